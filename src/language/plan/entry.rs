use std::collections::BTreeMap;

use super::{EnterKind, Expr, Plan};
use crate::domain::{Attributes, Value, ValueType};
use crate::finding::words;

impl Plan {
    /// Why what a request hands over cannot be the `entry` of this journey, in words; `None` where it can. What is
    /// left out is not set there, and what the journey does not ask about is for its templates. Of the field behind
    /// `per` there must be something: it tells runs apart.
    pub fn misfit(&self, with: &Attributes) -> Option<String> {
        let by_request = self.enters.iter().find(|enter| enter.kind == EnterKind::ByRequest);
        if let Some(field) = by_request.or(self.enters.first()).and_then(|enter| enter.per.as_ref()) {
            let key = with.get(field).map(|json| Value::from_json(json, &ValueType::Text));
            if !matches!(key, Some(Value::Text(key)) if !key.is_empty()) {
                return Some(format!("`{field}` is missing, and the journey has a run for each"));
            }
        }
        let asked = self.asked_of_entry();
        with.iter().find_map(|(name, json)| match asked.get(name.as_str()) {
            Some(Some(of)) => {
                let fits = json.is_null() || Value::from_json(json, of).is_set();
                (!fits).then(|| format!("`{name}` is {json}, and the journey takes it for: {of}"))
            }
            Some(None) => None,
            None => {
                let left_out = asked.keys().copied().filter(|asked| !with.contains_key(*asked));
                let near = words::near(name, left_out)?;
                Some(format!("the journey does not ask for `{name}`: did you mean `{near}`?"))
            }
        })
    }

    /// What the journey asks of `entry` outside of templates, and the types that its events declare.
    fn asked_of_entry(&self) -> BTreeMap<&str, Option<&ValueType>> {
        let mut asked: BTreeMap<&str, Option<&ValueType>> = BTreeMap::new();
        self.each_expression(&mut |expression| {
            expression.walk(&mut |part| {
                if let Expr::Entry { name, of } = part {
                    asked.insert(name, of.as_ref());
                }
            });
        });
        asked
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::language::check::check;
    use crate::language::plan::compile;
    use crate::source::WorkspaceFiles;

    #[test]
    fn a_request_hands_over_what_the_journey_can_use() {
        let text = "
            event ordered { total number  product text  on date }
            journey j {
              enter on ordered
              enter by request
              goal again on ordered where event.product == entry.product within 9 days worth entry.total
              stage s {
                if entry.colour == \"red\" { tag \"red\" }
                wait until entry.on
                end
              }
            }";
        let files = WorkspaceFiles::from_texts([("a.journey", text)]);
        let checked = check(&files, None);
        assert!(!checked.has_errors(), "{:#?}", checked.findings);
        let plan = compile(&checked.model.journeys[0], &checked, &files.sources).unwrap();
        for (with, wrong) in [
            (json!({}), None),
            (json!({ "total": 9, "product": "B 2", "on": "2027-03-01", "colour": 3, "more": [] }), None),
            (json!({ "total": "9.5", "on": null }), None),
            (json!({ "total": "many" }), Some("`total` is \"many\", and the journey takes it for: number")),
            (json!({ "on": 3 }), Some("`on` is 3, and the journey takes it for: date")),
            (
                json!({ "prodcut": "B 2" }),
                Some("the journey does not ask for `prodcut`: did you mean `product`?"),
            ),
            (json!({ "product": "B 2", "products": 2 }), None),
        ] {
            let with = with.as_object().unwrap().clone();
            assert_eq!(plan.misfit(&with).as_deref(), wrong, "{with:?}");
        }
    }

    #[test]
    fn what_tells_runs_apart_must_be_handed_over() {
        let text = "event ordered { id text } journey j { enter on ordered per event.id stage s { end } }";
        let files = WorkspaceFiles::from_texts([("a.journey", text)]);
        let checked = check(&files, None);
        let plan = compile(&checked.model.journeys[0], &checked, &files.sources).unwrap();
        let missing = Some("`id` is missing, and the journey has a run for each");
        for (with, wrong) in [
            (json!({ "id": "7" }), None),
            (json!({}), missing),
            (json!({ "id": null }), missing),
            (json!({ "id": "" }), missing),
        ] {
            assert_eq!(plan.misfit(with.as_object().unwrap()).as_deref(), wrong, "{with}");
        }
    }
}
