use std::collections::BTreeSet;
use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::domain::{Contact, ContactId, ValueType};
use crate::time::{Moment, zone};

fn field(name: &str, of: ValueType) -> Field {
    Field { name: name.into(), of, one_of: None }
}

fn list_of(of: ValueType) -> ValueType {
    ValueType::List(Box::new(of))
}

fn schema() -> Schema {
    let countries = ["DE", "AT", "CH"].map(|country| Value::Text(country.into())).to_vec();
    Schema {
        fields: vec![
            field("first_name", ValueType::Text),
            field("score", ValueType::Number),
            field("birthday", ValueType::Date),
            field("seen", ValueType::Datetime),
            field("vip", ValueType::Boolean),
            field("interests", list_of(ValueType::Text)),
            Field { one_of: Some(countries), ..field("country", ValueType::Text) },
        ],
        topics: vec!["newsletter".into(), "account".into()],
        zone: zone("Europe/Berlin").unwrap(),
    }
}

fn open(bytes: &[u8]) -> Result<Reader<Cursor<&[u8]>>, FileError> {
    Reader::open(Cursor::new(bytes), schema(), &[])
}

/// A contact as one line: `LINE who name=value …`, or what the problem says.
fn shown(item: &Result<Row, Problem>) -> String {
    let Row { line, draft, repeats } = match item {
        Ok(row) => row,
        Err(problem) => return problem.to_string(),
    };
    let mut shown = line.to_string();
    let built_in = [
        ("id", draft.external_id.clone()),
        ("email", draft.email.as_ref().map(ToString::to_string)),
        ("phone", draft.phone.clone()),
        ("timezone", draft.timezone.clone()),
        ("language", draft.language.clone()),
        ("tags", Some(draft.tags.join("+")).filter(|tags| !tags.is_empty())),
        ("repeats", repeats.map(|line| line.to_string())),
    ];
    let attributes = draft.attributes.iter().map(|(name, value)| (name.as_ref(), Some(value.to_string())));
    let allows = draft.allows.iter().map(|(topic, allowed)| (topic.as_ref(), Some(allowed.to_string())));
    for (name, value) in built_in.into_iter().chain(attributes).chain(allows) {
        if let Some(value) = value {
            shown.push_str(&format!(" {name}={value}"));
        }
    }
    shown
}

fn lines(bytes: &[u8]) -> Vec<String> {
    open(bytes).unwrap().map(|item| shown(&item.unwrap())).collect()
}

#[test]
fn files_of_the_world_are_read() {
    let names = "2 email=ada@example.org first_name=\"Jörg\"";
    for (what, bytes, expected) in [
        ("commas", "email,first_name\nada@example.org,Jörg\n".as_bytes().to_vec(), names),
        ("semicolons", "email;first_name\r\nada@example.org;Jörg\r\n".into(), names),
        ("tabs", "email\tfirst_name\nada@example.org\tJörg".into(), names),
        ("bars", "email|first_name\nada@example.org|Jörg".into(), names),
        ("old line ends", "email,first_name\rada@example.org,Jörg\r".into(), names),
        ("quotes", "\"email\",\"first_name\"\n\"ada@example.org\",\"Jörg\"\n".into(), names),
        ("a mark", "\u{feff}email,first_name\nada@example.org,Jörg\n".into(), names),
        (
            "a mark and quotes",
            "\u{feff}\"email\";\"first_name\"\n\"ada@example.org\";\"Jörg\"\n".into(),
            names,
        ),
        ("Windows-1252", b"email;first_name\nada@example.org;J\xf6rg\n".to_vec(), names),
        ("blanks", " email , first_name \n ada@example.org , Jörg \n".into(), names),
        (
            "commas in a cell",
            "email;first_name\nada@example.org;\"a,b,c\"\n".into(),
            "2 email=ada@example.org first_name=\"a,b,c\"",
        ),
        ("one column", "E-Mail\nada@example.org\n".into(), "2 email=ada@example.org"),
        (
            "what Excel says",
            "sep=;\r\nemail;first_name\r\nada@example.org;Jörg\r\n".into(),
            "3 email=ada@example.org first_name=\"Jörg\"",
        ),
        (
            "doubled quotes",
            "email,first_name\na@b.example,\"Ada \"\"A\"\" L\"\n".into(),
            "2 email=a@b.example first_name=\"Ada \\\"A\\\" L\"",
        ),
        (
            "quotes inside",
            "email,first_name\na@b.example,5\" nails\n".into(),
            "2 email=a@b.example first_name=\"5\\\" nails\"",
        ),
        (
            "line breaks",
            "email,first_name\r\na@b.example,\"Ada\r\nL\"\r\n".into(),
            "2 email=a@b.example first_name=\"Ada\\nL\"",
        ),
        ("empty lines", "\n\nemail\n\n\na@b.example\n\n".into(), "6 email=a@b.example"),
        ("empty rows", "email,first_name\n,\n ,\na@b.example,\n".into(), "4 email=a@b.example"),
        (
            "empty cells too many",
            "email,first_name\na@b.example,Ada,,\n".into(),
            "2 email=a@b.example first_name=\"Ada\"",
        ),
    ] {
        assert_eq!(lines(&bytes), [expected], "{what}");
    }
    let utf16: Vec<u8> = "\u{feff}email\tfirst_name\nada@example.org\tJörg"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(lines(&utf16), [names]);
    assert_eq!(open(&utf16).unwrap().encoding(), Encoding::Utf16LittleEndian);
}

#[test]
fn columns_find_their_attributes() {
    for (header, becomes) in [
        ("E-Mail", "email"),
        ("Email Address", "email"),
        ("Mail", "email"),
        ("Telefon", "phone"),
        ("Sprache", "language"),
        ("Zeitzone", "timezone"),
        ("external_id", "id"),
        ("Kundennummer", "id"),
        ("First Name", "first_name"),
        ("first-name", "first_name"),
        ("FIRSTNAME", "first_name"),
        ("firstName", "first_name"),
        ("allows_newsletter", "allows_newsletter"),
        ("Allows: newsletter", "allows_newsletter"),
        ("lastname", ""),
        ("created_at", ""),
    ] {
        let text = format!("{header},{}\n", if becomes == "email" { "id" } else { "email" });
        let reader = open(text.as_bytes()).unwrap();
        let found = reader.columns().iter().find(|column| column.name == header).unwrap();
        assert_eq!(found.becomes.as_deref().unwrap_or(""), becomes, "{header}");
    }
}

#[test]
fn the_likest_column_gets_the_attribute() {
    let becomes = |text: &str| {
        let reader = open(text.as_bytes()).unwrap();
        let names = reader.columns().iter().map(|column| column.becomes.clone().unwrap_or_default());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(becomes("Mail,E-Mail,email\n"), "  email");
    assert_eq!(becomes("Mail,E-Mail\n"), " email");
    assert_eq!(becomes("email,Email Address,,first name\n"), "email   first_name");
    let mut own = schema();
    own.fields.push(field("kundennummer", ValueType::Text));
    let reader = Reader::open(Cursor::new("Mail;KundenNummer\n"), own, &[]).unwrap();
    assert_eq!(reader.columns()[1].becomes.as_deref(), Some("kundennummer"));
}

#[test]
fn renames_go_before_names() {
    let open = |column: &str, attribute: &str| {
        let renames = [(column.to_owned(), attribute.to_owned())];
        Reader::open(Cursor::new("email,Vorname,score\na@b.example,Ada,Bea\n"), schema(), &renames)
    };
    let rows: Vec<_> = open("Vorname", "first_name").unwrap().map(Result::unwrap).collect();
    assert_eq!(shown(&rows[0]), "line 2, column `score`: `Bea` is no number");
    let rows: Vec<_> = open("score", "first_name").unwrap().map(Result::unwrap).collect();
    assert_eq!(shown(&rows[0]), "2 email=a@b.example first_name=\"Bea\"");
    let error = |column, attribute| open(column, attribute).err().unwrap().to_string();
    assert_eq!(error("Vornam", "first_name"), "the file has no column `Vornam`: did you mean `Vorname`?");
    assert_eq!(
        error("Vorname", "firs_name"),
        "contacts have no attribute `firs_name`: did you mean `first_name`?"
    );
}

#[test]
fn files_that_are_none_are_refused() {
    let wide = vec!["x"; 1_001].join(",");
    for (bytes, expected) in [
        ("", "the file is empty: its first line must name the columns"),
        ("\n\n", "the file is empty: its first line must name the columns"),
        (
            "ada@example.org,Ada\n",
            "the first line holds a mail address: it must hold the names of the columns",
        ),
        (
            "name,city\nAda,Rome\n",
            "no column holds a mail address or an id: say which with `--map \"COLUMN=email\"` (the columns are name and city)",
        ),
        (&wide, "the file has 1001 columns, and at most 1000 are read"),
        ("\"email\n", "the first line cannot be read: a quote that opens in this row is never closed"),
    ] {
        assert_eq!(open(bytes.as_bytes()).err().unwrap().to_string(), expected, "{bytes:.40}");
    }
}

#[test]
fn a_file_may_have_many_columns() {
    let names: Vec<String> = (0..999).map(|index| format!("x{index}")).collect();
    let text = format!("{};email\n{}a@b.example\n", names.join(";"), ";".repeat(999));
    assert_eq!(lines(text.as_bytes()), ["2 email=a@b.example"]);
}

#[test]
fn bad_rows_are_told_by_their_line_and_cost_no_other() {
    for (row, expected) in [
        ("x@b.example", "line 3: this row has 1 cell, and the first line 3"),
        ("x@b.example,a,b,c", "line 3: this row has 4 cells, and the first line 3"),
        (
            "x@b,Ada,",
            "line 3, column `email`: `x@b`: the part behind the `@` is not a domain such as `example.com`",
        ),
        (",Ada,", "line 3: this row has neither a mail address nor an id"),
        ("x@b.example,Ada,many", "line 3, column `score`: `many` is no number"),
        ("x@b.example,A\u{1}da,", "line 3, column `first_name`: this holds a control character"),
        (
            "x@b.example,\"Ada\" L,",
            "line 3: text stands behind a closing quote: a quote inside quotes is written twice, `\"\"`",
        ),
        ("x@b.example,\"Ada,", "line 3: a quote that opens in this row is never closed"),
        (
            &format!("x@b.example,{},", "a".repeat(8_193)),
            "line 3, column `first_name`: this cell is longer than 8 KiB",
        ),
        (
            &format!("x@b.example,\"{}\",", "ab\n".repeat(4_000)),
            "line 3, column `first_name`: this cell is longer than 8 KiB",
        ),
    ] {
        let text = format!("email,first_name,score\na@b.example,Ada,1\n{row}\nc@b.example,Bea,2\n");
        let last = format!("{} email=c@b.example first_name=\"Bea\" score=2", text.lines().count());
        assert_eq!(
            lines(text.as_bytes()),
            ["2 email=a@b.example first_name=\"Ada\" score=1", expected, &last],
            "{row:.40}"
        );
    }
}

#[test]
fn a_forgotten_quote_swallows_no_neighbour() {
    let text = "email,first_name\na@b.example,\"Ada\nb@b.example,Bea\nc@b.example,\"Cleo\"\nd@b.example,\"Dora\ne@b.example,Eve\n";
    assert_eq!(
        lines(text.as_bytes()),
        [
            "line 2: text stands behind a closing quote: a quote inside quotes is written twice, `\"\"`",
            "3 email=b@b.example first_name=\"Bea\"",
            "4 email=c@b.example first_name=\"Cleo\"",
            "line 5: a quote that opens in this row is never closed",
            "6 email=e@b.example first_name=\"Eve\"",
        ]
    );
    let text = "email,first_name\na@b.example,\"Ada\nb@b.example,Bea\nc@b.example,Cleo\"\nd@b.example,Dora\n";
    assert_eq!(lines(text.as_bytes())[1], "5 email=d@b.example first_name=\"Dora\"");
    let text = "email,first_name\n\"a@b.example,Ada\nb@b.example,Bea\n\",Cleo,x\nd@b.example,Dora\n";
    assert_eq!(
        lines(text.as_bytes()),
        [
            "line 2: this row has 3 cells, and the first line 2; perhaps a quote is not closed",
            "3 email=b@b.example first_name=\"Bea\"",
            "line 4: a quote that opens in this row is never closed",
            "5 email=d@b.example first_name=\"Dora\"",
        ]
    );
}

#[test]
fn a_line_without_end_is_left_behind_in_bounded_memory() {
    let mut bytes = b"email,first_name\na@b.example,".to_vec();
    bytes.extend(vec![b'a'; 5 * 1024 * 1024]);
    bytes.extend_from_slice(b"\nb@b.example,Bea\n");
    assert_eq!(lines(&bytes), ["line 2: this row is too long", "3 email=b@b.example first_name=\"Bea\""]);
}

#[test]
fn a_bad_byte_costs_its_own_row() {
    let mut bytes = "email,first_name\na@b.example,Jörg\nb@b.example,Zoë\n".as_bytes().to_vec();
    bytes.extend_from_slice(b"c@b.example,J\xf6rg\nd@b.example,Dora\n");
    assert_eq!(lines(&bytes)[2], "line 4, column `first_name`: this is not UTF-8 like the rest of the file");
    assert_eq!(lines(&bytes)[3], "5 email=d@b.example first_name=\"Dora\"");
}

#[test]
fn lines_are_those_of_the_file_after_cells_of_several() {
    let text = "email,first_name\r\na@b.example,\"1\r\n2\n3\"\r\n\r\nb@b.example,\"1\n\n\n\"\nc@b,\n";
    assert_eq!(
        lines(text.as_bytes()),
        [
            "2 email=a@b.example first_name=\"1\\n2\\n3\"",
            "6 email=b@b.example first_name=\"1\"",
            "line 10, column `email`: `c@b`: the part behind the `@` is not a domain such as `example.com`",
        ]
    );
}

#[test]
fn an_address_that_comes_twice_is_told_with_its_first_line() {
    let text = "email\nada@example.org\nbea@example.org\nAda@EXAMPLE.org\nada@example.org\n";
    assert_eq!(
        lines(text.as_bytes()),
        [
            "2 email=ada@example.org",
            "3 email=bea@example.org",
            "4 email=Ada@example.org repeats=2",
            "5 email=ada@example.org repeats=2",
        ]
    );
}

#[test]
fn built_in_attributes_and_permissions_are_checked() {
    for (header, cell, expected) in [
        ("id", " 00123 ", "2 id=00123"),
        ("phone", "+49 (0)89 / 123-45", "2 id=k phone=+49 (0)89 / 123-45"),
        ("phone", "'+49 (0)89 123", "2 id=k phone=+49 (0)89 123"),
        ("phone", "call me", "line 2, column `phone`: `call me` is no phone number"),
        ("timezone", "europe/berlin", "2 id=k timezone=Europe/Berlin"),
        (
            "timezone",
            "MEZ",
            "line 2, column `timezone`: `MEZ` is no time zone: zones have names such as `Europe/Berlin`",
        ),
        ("language", "de_AT", "2 id=k language=de-AT"),
        (
            "language",
            "German",
            "line 2, column `language`: `German` is no language: write a tag such as `de` or `en-GB`",
        ),
        ("tags", "a| b |", "2 id=k tags=a+b"),
        ("allows_newsletter", "ja", "2 id=k newsletter=true"),
        ("allows_newsletter", "No", "2 id=k newsletter=false"),
        ("allows_newsletter", "", "2 id=k"),
        ("allows_newsletter", "maybe", "line 2, column `allows_newsletter`: `maybe` is neither yes nor no"),
        ("country", "de", "2 id=k country=\"DE\""),
        (
            "country",
            "DEU",
            "line 2, column `country`: `DEU` is none of the values that are declared: did you mean `DE`?",
        ),
        (
            "country",
            "FR",
            "line 2, column `country`: `FR` is none of the values that are declared: there are: `AT`, `CH` and `DE`",
        ),
    ] {
        let key = if header == "id" { "" } else { "kundennr;" };
        let own = if header == "id" { "" } else { "k;" };
        let text = format!("{key}{header}\n{own}{cell}\n");
        assert_eq!(lines(text.as_bytes()), [expected], "{header} {cell}");
    }
}

#[test]
fn one_bad_row_in_the_middle_of_many_costs_one() {
    let mut text = String::from("email;first_name;score;birthday;allows_newsletter\r\n");
    for number in 0..100_000 {
        let score = if number == 50_000 { "viel".to_owned() } else { format!("{number},5") };
        text.push_str(&format!("a{number}@example.org;\"Zoë; Nr. {number}\";{score};31.12.1980;ja\r\n"));
    }
    let mut reader = open(text.as_bytes()).unwrap();
    let mut rows = 0;
    let mut problems = Vec::new();
    for item in &mut reader {
        match item.unwrap() {
            Ok(row) => {
                assert_eq!(row.draft.attributes.len(), 3);
                rows += 1;
            }
            Err(problem) => problems.push(problem.to_string()),
        }
    }
    assert_eq!(rows, 99_999);
    assert_eq!(problems, ["line 50002, column `score`: `viel` is no number"]);
    assert_eq!(reader.progress(), (text.len() as u64, text.len() as u64));
}

fn write(options: WriteOptions, rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), options).unwrap();
    for row in rows {
        writer.row(row).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn what_a_spreadsheet_would_run_is_guarded() {
    for (cell, guarded) in [
        ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
        ("+1", "+1"),
        ("-12.5", "-12.5"),
        ("+49301234", "+49301234"),
        ("+49 30 1234", "'+49 30 1234"),
        ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "\"'\r=1\""),
        ("'=1", "''=1"),
        ("a,b", "\"a,b\""),
        ("a\nb", "\"a\nb\""),
        ("it's", "it's"),
        ("plain", "plain"),
    ] {
        let written = write(WriteOptions::default(), &[vec![cell.into(), "x".into()]]);
        assert_eq!(String::from_utf8(written).unwrap(), format!("{guarded},x\r\n"), "{cell:?}");
    }
    let open = WriteOptions { guard_formulas: false, byte_order_mark: true };
    assert_eq!(write(open, &[vec!["=1+1".into(), "x".into()]]), "\u{feff}=1+1,x\r\n".as_bytes());
    let mut writer = Writer::new(Vec::new(), open).unwrap();
    writer.row(["a", "b"]).unwrap();
    assert!(writer.row(["a"]).is_err());
}

fn any_text() -> impl Strategy<Value = String> {
    "[=+@'\"\\[\\]|,;\\-a-zA-Z0-9äß🌼 \n\t]{0,12}".prop_map(|text| text.trim().to_owned())
}

prop_compose! {
    fn any_contact()(
        number in 0_u32..1_000_000,
        texts in proptest::collection::vec(any_text(), 3),
        tags in proptest::collection::btree_set(any_text().prop_filter("no tag", |tag| !tag.is_empty()), 0..4),
        items in proptest::collection::vec(any_text().prop_filter("no item", |item| !item.is_empty()), 0..4),
        score in proptest::num::f64::NORMAL,
        seconds in -2_000_000_000_i64..4_000_000_000,
        vip: Option<bool>,
    ) -> Contact {
        let mut contact = Contact::new(ContactId::default(), Moment::default());
        let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        contact.email = Some(format!("a{number}@example.org"));
        contact.external_id = text(&texts[0]);
        contact.language = Some("de-AT".into());
        contact.tags = tags;
        contact.set("first_name", &text(&texts[1]).map_or(Value::Unset, Value::Text));
        contact.set("score", &Value::Number(score));
        contact.set("seen", &Value::Moment(Moment::from_seconds(seconds)));
        contact.set("birthday", &Value::Date(jiff::civil::date(1980, 2, 29)));
        contact.set("vip", &vip.map_or(Value::Unset, Value::Boolean));
        if !items.is_empty() {
            contact.set("interests", &Value::List(items.into_iter().map(Value::Text).collect()));
        }
        contact
    }
}

proptest! {
    #[test]
    fn contacts_come_back_as_they_were_written(
        contacts in proptest::collection::vec(any_contact(), 1..5),
        guard_formulas: bool,
        byte_order_mark: bool,
    ) {
        let schema = schema();
        let mut rows = vec![contact_header(&schema)];
        rows.extend(contacts.iter().map(|contact| {
            contact_row(contact, &schema, |topic| (topic == "newsletter").then_some(contact.tags.is_empty()))
        }));
        let bytes = write(WriteOptions { guard_formulas, byte_order_mark }, &rows);
        let read: Vec<_> = open(&bytes).unwrap().map(|item| item.unwrap().unwrap().draft).collect();
        prop_assert_eq!(read.len(), contacts.len());
        for (draft, contact) in read.iter().zip(&contacts) {
            let mut back = Contact::new(contact.id, contact.created_at);
            back.external_id.clone_from(&draft.external_id);
            back.email = draft.email.as_ref().map(ToString::to_string);
            back.language.clone_from(&draft.language);
            back.tags = draft.tags.iter().cloned().collect::<BTreeSet<_>>();
            for (name, value) in &draft.attributes {
                back.set(name, value);
            }
            prop_assert_eq!(&back, contact);
            prop_assert_eq!(draft.allows.len(), 1);
            prop_assert_eq!(draft.allows[0].1, contact.tags.is_empty());
        }
    }

    #[test]
    fn well_formed_files_split_as_another_reader_splits_them(
        rows in proptest::collection::vec(proptest::collection::vec("[a\"\n,; ]{0,6}", 3), 1..8),
    ) {
        let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let mut splitter = split::Splitter::new(encoding::Transcoder::new(bytes.as_slice(), Encoding::Utf8), b',');
        let mut line = 1;
        for row in &rows {
            prop_assert_eq!(splitter.advance().unwrap(), Ok(true));
            prop_assert_eq!(splitter.line(), line);
            let cells: Vec<&str> = (0..splitter.len()).map(|index| std::str::from_utf8(splitter.cell(index)).unwrap()).collect();
            prop_assert_eq!(&cells, row);
            line += 1 + row.iter().map(|cell| cell.matches('\n').count() as u64).sum::<u64>();
        }
        prop_assert_eq!(splitter.advance().unwrap(), Ok(false));
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in proptest::collection::vec(prop_oneof![
        Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r'), Just(b'a'), Just(b'@'), any::<u8>()
    ], 0..200)) {
        let text = [b"id,email,score\n".as_slice(), &bytes].concat();
        let mut line = 0;
        if let Ok(reader) = open(&text) {
            for item in reader {
                let item = item.unwrap();
                let at = item.map_or_else(|problem| problem.line, |row| row.line);
                prop_assert!(at > line, "{} after {}", at, line);
                line = at;
            }
        }
    }
}
