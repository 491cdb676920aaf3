use super::*;
use crate::language::check::check;
use crate::source::WorkspaceFiles;

const WORKSPACE: &str = r#"
contact { score number = 0 }
event signup { source text }
event bought { total number }
topic news "News"
email hello { topic news  from marketing  subject "Hi"  body "Hi {{ unsubscribe_url }}" }
journey j "J" {
  enter on signup
  permission news
  goal sale on bought worth event.total
  control 10%
  stage first {
    send email hello otherwise { end as unreached }
    wait up to 3 days {
      on clicked hello { set contact.score = 5  go to second }
      on bought where event.total > 5 {
        wait 1 day
        set contact.score = event.total
      }
      otherwise { end as silent }
    }
    go to second
  }
  stage second {
    call erp and wait up to 1 hour { on reply where reply.ok == true { end } otherwise { end } }
  }
}
"#;

fn plan_of(text: &str) -> Plan {
    let files = WorkspaceFiles::from_texts([("a.journey", text)]);
    let checked = check(&files, None);
    assert!(!checked.has_errors(), "{:#?}", checked.findings);
    compile(&checked.model.journeys[0], &checked, &files.sources).unwrap()
}

#[test]
fn statements_become_places_in_the_order_of_the_text() {
    let plan = plan_of(WORKSPACE);
    let ids: Vec<&str> = plan.nodes.iter().map(|node| node.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "first",
            "second",
            "first.1",
            "first.1.otherwise.1",
            "first.2",
            "first.2.1.1",
            "first.2.2.1",
            "first.2.2.2",
            "first.2.otherwise.1",
            "first.end",
            "second.1",
            "second.1.wait",
            "second.1.1.1",
            "second.1.otherwise.1",
            "second.end"
        ]
    );
    let at = |id: &str| Place(u16::try_from(ids.iter().position(|known| *known == id).unwrap()).unwrap());
    let node = |id: &str| &plan.node(at(id)).unwrap().step;
    assert_eq!(*node("first"), Step::Stage { next: at("first.1") });
    let Step::WaitUpTo { branches, otherwise, .. } = node("first.2") else { panic!() };
    assert_eq!(*otherwise, at("first.2.otherwise.1"));
    assert_eq!((branches[0].next, branches[0].keep), (at("first.2.1.1"), false));
    assert_eq!((branches[1].next, branches[1].keep), (at("first.2.2.1"), true));
    // What follows the wait is where the branch goes on.
    let Step::Change { next, .. } = node("first.2.2.2") else { panic!() };
    assert_eq!(*next, Place(1));
    let Step::Call { next, .. } = node("second.1") else { panic!() };
    assert_eq!(*next, at("second.1.wait"));
    let Step::WaitUpTo { branches, .. } = node("second.1.wait") else { panic!() };
    assert_eq!(branches[0].trigger, Trigger::Reply(at("second.1")));
}

#[test]
fn places_know_what_a_turn_from_there_asks_for() {
    let plan = plan_of(WORKSPACE);
    let needs = |id: &str| plan.nodes.iter().find(|node| node.id == id).unwrap().needs.clone();
    assert_eq!(needs("first"), Needs::PERMISSIONS);
    assert_eq!(needs("first.2"), Needs::default());
    assert_eq!(needs("second"), Needs::default());
}

#[test]
fn the_hash_is_of_what_is_done_and_not_of_how_it_is_laid_out() {
    let plan = plan_of(WORKSPACE);
    let spread = WORKSPACE.replace("send email hello", "# a remark\n\n    send email\n hello");
    assert_eq!(plan.hash(), plan_of(&spread).hash());
    assert_ne!(plan.hash(), plan_of(&WORKSPACE.replace("3 days", "4 days")).hash());
    let bytes = serde_json::to_vec(&plan).unwrap();
    assert_eq!(serde_json::from_slice::<Plan>(&bytes).unwrap(), plan);
}

#[test]
fn a_plan_names_what_it_listens_to() {
    let plan = plan_of(WORKSPACE);
    let listens: Vec<&str> = plan.listens_to().collect();
    assert_eq!(listens, ["signup", "bought", "message_clicked", "bought"]);
}

#[test]
fn a_message_has_the_language_that_is_nearest() {
    let german = r#"in "de" { subject "Hallo" }  in "pt-BR" { subject "Olá" } }"#;
    let plan = plan_of(&WORKSPACE.replacen(
        "unsubscribe_url }}\" }",
        &format!("unsubscribe_url }}}}\" {german}"),
        1,
    ));
    let message = &plan.messages["hello"];
    for (language, best) in [
        ("de", Some("de")),
        ("de-AT", Some("de")),
        ("DE_ch", Some("de")),
        ("pt-br", Some("pt-BR")),
        ("pt", None),
        ("en", None),
    ] {
        assert_eq!(message.best_language(language), best, "{language}");
    }
}
