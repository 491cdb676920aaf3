use super::outcome::{Deferral, Outcome, Refusal};
use crate::channel::clean_answer;

/// What a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// `MAIL FROM`, which names the sender.
    Mail,
    /// `RCPT TO`, which names the recipient.
    Rcpt,
    /// `DATA`, which asks to send the content.
    Data,
    /// The content itself.
    Content,
}

/// A reply of the server: three digits and some text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) text: String,
}

/// The enhanced status code of RFC 3463: class, subject, detail.
type Enhanced = (u8, u16, u16);

impl Reply {
    /// Code and text, fit to be stored.
    pub(super) fn answer(&self) -> String {
        clean_answer(&format!("{} {}", self.code, self.text))
    }

    /// Whether it says yes (2yz).
    pub(super) fn is_yes(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// Whether the server closes the connection with it (RFC 5321 section 3.8).
    pub(super) fn closes(&self) -> bool {
        self.code == 421
    }

    fn enhanced(&self) -> Option<Enhanced> {
        let mut parts = self.text.split_ascii_whitespace().next()?.split('.');
        let mut number = || {
            let part = parts.next()?;
            let digits = (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u16>().ok().filter(|_| digits)
        };
        let (class, subject, detail) = (number()?, number()?, number()?);
        let class = u8::try_from(class).ok().filter(|class| matches!(class, 2 | 4 | 5))?;
        parts.next().is_none().then_some((class, subject, detail))
    }
}

/// What a reply that is not a yes means for the mail; by the enhanced code where there is one, else by the
/// basic code.
///
/// - A server that wants us to log in (530, 534, 535, 538) says nothing about the mail, nor does one that closes (421)
///   before it has heard of the recipient. Behind that, closing may be what it does at this mail alone, and a login what
///   it wants for this recipient alone: others may go, and many such answers say that the sender has to look.
/// - Where the two codes disagree on whether it is final, it is not: to try again harms nobody.
/// - The address is dead only when the enhanced code says so, or 551 and 553, which speak of nothing else. A
///   bare 550 does not: it is also how servers say that they dislike us (RFC 5321 section 4.2.3).
/// - Before the content was seen, nothing is said about it; about a `MAIL FROM`, the sender is meant.
pub(super) fn outcome_of(phase: Phase, reply: &Reply) -> Outcome {
    let answer = reply.answer();
    if reply.closes() && phase != Phase::Mail {
        return Outcome::NotHandedOver { why: answer };
    }
    if reply.closes() || (wants_login(reply.code) && phase == Phase::Mail) {
        return Outcome::RouteDown { why: answer };
    }
    let enhanced = reply.enhanced().filter(|(class, ..)| *class != 2);
    let temporary = reply.code < 500 || enhanced.is_some_and(|(class, ..)| class == 4);
    let no_room = match enhanced {
        Some((_, subject, detail)) => (subject, detail) == (2, 2),
        // RFC 5321 section 4.5.3.1.10: 552 to a recipient is to be read as 452.
        None => reply.code == 452 || (reply.code == 552 && phase == Phase::Rcpt),
    };
    if no_room {
        return Outcome::Deferred { class: Deferral::MailboxFull, answer };
    }
    if temporary {
        return Outcome::Deferred { class: Deferral::Later, answer };
    }
    Outcome::Refused { class: refusal(phase, reply.code, enhanced), answer }
}

/// RFC 4954 section 6 and those of earlier practice.
fn wants_login(code: u16) -> bool {
    matches!(code, 530 | 534 | 535 | 538)
}

fn refusal(phase: Phase, code: u16, enhanced: Option<Enhanced>) -> Refusal {
    match (enhanced, phase) {
        _ if wants_login(code) => Refusal::Sender,
        (Some((_, 6, _) | (_, 3, 4) | (_, 2, 3)), _) => Refusal::Content,
        (_, Phase::Mail) | (Some((_, 7, _) | (_, 1, 7 | 8)), _) => Refusal::Sender,
        (Some((_, 1, 1 | 2 | 3 | 10) | (_, 2, 1)), _) => Refusal::Address,
        (Some(_), _) => Refusal::Other,
        (None, Phase::Rcpt) if matches!(code, 551 | 553) => Refusal::Address,
        (None, Phase::Rcpt | Phase::Data) if code == 554 => Refusal::Sender,
        (None, Phase::Content) if matches!(code, 550 | 552 | 554) => Refusal::Content,
        (None, _) => Refusal::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    enum Class {
        Refused(Refusal),
        Deferred(Deferral),
        NotHandedOver,
        Down,
    }
    use Class::{Deferred, Down, NotHandedOver, Refused};
    use Phase::{Content, Data, Mail, Rcpt};

    fn class(phase: Phase, line: &str) -> Class {
        let (code, text) = line.split_once(' ').unwrap_or((line, ""));
        match outcome_of(phase, &Reply { code: code.parse().unwrap(), text: text.into() }) {
            Outcome::Refused { class, .. } => Refused(class),
            Outcome::Deferred { class, .. } => Deferred(class),
            Outcome::NotHandedOver { .. } => NotHandedOver,
            Outcome::RouteDown { .. } => Down,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn replies_are_classed() {
        use Deferral::{Later, MailboxFull};
        use Refusal::{Address, Content as Words, Other, Sender};
        for (phase, line, expected) in [
            // Dead addresses, each named by its enhanced code.
            (Rcpt, "550 5.1.1 no such user", Refused(Address)),
            (Rcpt, "550 5.1.2 bad destination system", Refused(Address)),
            (Rcpt, "501 5.1.3 bad syntax", Refused(Address)),
            (Rcpt, "556 5.1.10 null MX", Refused(Address)),
            (Rcpt, "550 5.2.1 mailbox disabled", Refused(Address)),
            (Content, "550 5.1.1 no such user, said late", Refused(Address)),
            (Rcpt, "551 user not local", Refused(Address)),
            (Rcpt, "553 mailbox name not allowed", Refused(Address)),
            (Rcpt, "550 mailbox unavailable", Refused(Other)),
            // Full or busy.
            (Rcpt, "552 5.2.2 over quota", Deferred(MailboxFull)),
            (Rcpt, "452 4.2.2 over quota", Deferred(MailboxFull)),
            (Rcpt, "452 insufficient storage", Deferred(MailboxFull)),
            (Rcpt, "552 over quota", Deferred(MailboxFull)),
            (Rcpt, "450 4.7.1 greylisted", Deferred(Later)),
            (Rcpt, "450 try later", Deferred(Later)),
            (Content, "451 4.3.0 local error", Deferred(Later)),
            (Data, "451 local error", Deferred(Later)),
            (Mail, "454 4.7.0 TLS not available", Deferred(Later)),
            (Rcpt, "550 4.2.1 codes that disagree", Deferred(Later)),
            (Rcpt, "450 5.1.1 codes that disagree", Deferred(Later)),
            // The sender's fault.
            (Rcpt, "550 5.7.1 blocked", Refused(Sender)),
            (Content, "550 5.7.26 unauthenticated", Refused(Sender)),
            (Content, "550 5.7.515 access denied", Refused(Sender)),
            (Mail, "550 5.1.8 bad sender domain", Refused(Sender)),
            (Rcpt, "550 5.1.7 bad sender", Refused(Sender)),
            (Mail, "553 sender not owned by you", Refused(Sender)),
            (Rcpt, "554 blocked by a list", Refused(Sender)),
            (Data, "554 no valid recipients", Refused(Sender)),
            // The route's.
            (Mail, "421 4.7.0 closing", Down),
            // The route's, or that of this mail alone.
            (Rcpt, "421 4.7.0 not this one", NotHandedOver),
            (Data, "421 closing", NotHandedOver),
            (Content, "421 too many connections", NotHandedOver),
            (Rcpt, "530 5.7.0 authentication required", Refused(Sender)),
            (Rcpt, "535 log in", Refused(Sender)),
            (Content, "538 5.7.11 encryption required", Refused(Sender)),
            (Mail, "530 5.7.0 authentication required", Down),
            (Mail, "535 5.7.8 bad credentials", Down),
            // The content's.
            (Content, "550 5.6.0 bad content", Refused(Words)),
            (Content, "552 5.3.4 message too big", Refused(Words)),
            (Mail, "552 5.3.4 message too big", Refused(Words)),
            (Content, "552 too big", Refused(Words)),
            (Content, "554 transaction failed", Refused(Words)),
            (Content, "550 rejected", Refused(Words)),
            // Nothing that we can say.
            (Rcpt, "550 5.5.0 something", Refused(Other)),
            (Rcpt, "550 5.4.1 access denied", Refused(Other)),
            (Data, "503 bad sequence", Refused(Other)),
            (Rcpt, "550 5.1.1.1 no code at all", Refused(Other)),
            (Rcpt, "550 2.1.1 a yes that is a no", Refused(Other)),
            (Rcpt, "550", Refused(Other)),
        ] {
            assert_eq!(class(phase, line), expected, "{phase:?} {line}");
        }
    }

    #[test]
    fn answers_are_kept_short_and_clean() {
        let reply = Reply { code: 550, text: format!("5.1.1 \u{1b}[2J{}", "x".repeat(2_000)) };
        let answer = reply.answer();
        assert_eq!(answer.chars().count(), 512);
        assert!(answer.starts_with("550 5.1.1 [2Jx") && !answer.contains('\u{1b}'));
    }
}
