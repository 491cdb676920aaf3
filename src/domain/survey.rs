use serde::{Deserialize, Serialize};

/// A question that recipients answer with a score, on a page of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// What is asked.
    pub question: String,
    /// The lowest score.
    pub low: i16,
    /// The highest score.
    pub high: i16,
    /// What is asked beside the score, to be answered in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl Survey {
    /// How many scores are shown side by side at the most; a longer scale is answered by writing a number.
    pub const SCORES_SHOWN_MAX: usize = 11;

    /// The score that a text means; nothing where it is no whole number on the scale.
    pub fn score(&self, text: &str) -> Option<i16> {
        text.trim().parse().ok().filter(|score| self.takes(*score))
    }

    /// Whether a score is on the scale.
    pub fn takes(&self, score: i16) -> bool {
        (self.low..=self.high).contains(&score)
    }

    /// The scores to choose from, the lowest first; nothing where there are too many to be shown.
    pub fn scores(&self) -> Vec<i16> {
        let all = self.low..=self.high;
        if all.len() > Self::SCORES_SHOWN_MAX { Vec::new() } else { all.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_on_the_scale_are_scores() {
        let survey = Survey { question: "How likely?".into(), low: -1, high: 10, comment: None };
        for (text, score) in [
            ("10", Some(10)),
            (" 0 ", Some(0)),
            ("-1", Some(-1)),
            ("+7", Some(7)),
            ("11", None),
            ("-2", None),
            ("7.5", None),
            ("99999999999", None),
            ("", None),
            ("seven", None),
        ] {
            assert_eq!(survey.score(text), score, "{text:?}");
        }
    }

    #[test]
    fn a_long_scale_is_not_laid_out() {
        let mut survey = Survey { question: "How likely?".into(), low: 0, high: 10, comment: None };
        assert_eq!(survey.scores().len(), 11);
        survey.high = 11;
        assert!(survey.scores().is_empty());
    }
}
