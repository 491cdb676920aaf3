/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// `EHLO`: it wants to hear of extensions.
    Ehlo,
    /// `HELO`: it does not.
    Helo,
    /// `MAIL FROM:<…>`: a mail begins.
    Mail {
        /// The sender; empty for bounces.
        from: String,
        /// How large the client says that it is, in bytes.
        size: Option<usize>,
    },
    /// `RCPT TO:<…>`: for whom.
    Rcpt(String),
    /// `DATA`: the content comes.
    Data,
    /// `RSET`: forget the mail that has begun.
    Rset,
    /// `NOOP`: are you there?
    Noop,
    /// `VRFY`: is there such a mailbox?
    Vrfy,
    /// `QUIT`.
    Quit,
}

/// An answer that says no: a code of RFC 5321 section 4.2.3 with one of RFC 3463.
pub(super) type Refusal = &'static str;

const UNKNOWN: Refusal = "500 5.5.1 no such command";
const ARGUMENT: Refusal = "501 5.5.4 the argument cannot be read";
const PARAMETER: Refusal = "555 5.5.4 a parameter is not known";
/// RFC 5321 section 4.5.3.1.3.
const PATH_BYTES_MAX: usize = 256;

impl Command {
    /// Reads a line without its end.
    pub(super) fn read(line: &str) -> Result<Self, Refusal> {
        let line = line.trim_end_matches(' ');
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" if !argument.is_empty() => Ok(Self::Ehlo),
            "HELO" if !argument.is_empty() => Ok(Self::Helo),
            "EHLO" | "HELO" => Err(ARGUMENT),
            "MAIL" => mail(argument),
            "RCPT" => match path(argument, "TO:") {
                Some((to, "")) if !to.is_empty() => Ok(Self::Rcpt(to)),
                Some((to, _)) if !to.is_empty() => Err(PARAMETER),
                _ => Err(ARGUMENT),
            },
            "DATA" if argument.is_empty() => Ok(Self::Data),
            "RSET" if argument.is_empty() => Ok(Self::Rset),
            "QUIT" if argument.is_empty() => Ok(Self::Quit),
            "DATA" | "RSET" | "QUIT" => Err(ARGUMENT),
            "NOOP" => Ok(Self::Noop),
            "VRFY" => Ok(Self::Vrfy),
            _ => Err(UNKNOWN),
        }
    }
}

fn mail(argument: &str) -> Result<Command, Refusal> {
    let (from, parameters) = path(argument, "FROM:").ok_or(ARGUMENT)?;
    let mut size = None;
    for parameter in parameters.split_ascii_whitespace() {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match (name.to_ascii_uppercase().as_str(), value.to_ascii_uppercase().as_str()) {
            ("SIZE", digits) => size = Some(digits.parse().map_err(|_| ARGUMENT)?),
            ("BODY", "7BIT" | "8BITMIME") | ("SMTPUTF8", "") => {}
            _ => return Err(PARAMETER),
        }
    }
    Ok(Command::Mail { from, size })
}

/// The address between the angle brackets behind `word`, and what follows them.
fn path<'a>(argument: &'a str, word: &str) -> Option<(String, &'a str)> {
    let (found, rest) = argument.split_at_checked(word.len())?;
    if !found.eq_ignore_ascii_case(word) {
        return None;
    }
    // Blanks before the bracket are wrong and common.
    let (address, rest) = rest.trim_start().strip_prefix('<')?.split_once('>')?;
    let readable = address.len() <= PATH_BYTES_MAX && !address.contains(char::is_control);
    readable.then(|| (address.to_owned(), rest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_in_any_case() {
        let mail = |from: &str, size| Command::Mail { from: from.into(), size };
        for (line, expected) in [
            ("EHLO client.example", Command::Ehlo),
            ("helo client.example", Command::Helo),
            ("MAIL FROM:<ada@example.org>", mail("ada@example.org", None)),
            ("mail from: <ada@example.org>", mail("ada@example.org", None)),
            ("MAIL FROM:<> SIZE=12 BODY=8BITMIME SMTPUTF8", mail("", Some(12))),
            ("RCPT TO:<jörg@example.org>", Command::Rcpt("jörg@example.org".into())),
            ("DATA", Command::Data),
            ("rset ", Command::Rset),
            ("NOOP whatever", Command::Noop),
            ("VRFY ada", Command::Vrfy),
            ("QUIT", Command::Quit),
        ] {
            assert_eq!(Command::read(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn what_is_no_command_is_refused() {
        let long = format!("RCPT TO:<{}@example.org>", "a".repeat(PATH_BYTES_MAX));
        for (line, refusal) in [
            ("", UNKNOWN),
            ("GET / HTTP/1.1", UNKNOWN),
            ("EHLO", ARGUMENT),
            ("MAIL", ARGUMENT),
            ("MAIL FROM:ada@example.org", ARGUMENT),
            ("MAIL FROM:<ada@example.org", ARGUMENT),
            ("MAIL TO:<ada@example.org>", ARGUMENT),
            ("MAIL FROM:<ada@example.org> SIZE=much", ARGUMENT),
            ("MAIL FROM:<ada@example.org> AUTH=<>", PARAMETER),
            ("MAIL FROM:<ada@example.org> BODY=BINARYMIME", PARAMETER),
            ("RCPT TO:<>", ARGUMENT),
            ("RCPT TO:<a\u{7}@example.org>", ARGUMENT),
            ("RCPT TO:<ada@example.org> NOTIFY=NEVER", PARAMETER),
            (&long, ARGUMENT),
            ("DATA now", ARGUMENT),
        ] {
            assert_eq!(Command::read(line), Err(refusal), "{line}");
        }
    }
}
