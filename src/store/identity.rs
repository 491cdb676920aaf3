use std::collections::BTreeMap;

use super::Identity;
use crate::domain::{ContactId, EventId, IdHasher, Slot};
use crate::time::Moment;

/// What kind of name it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum NameKind {
    External,
    Anonymous,
    Email,
    /// The id of a contact that turned out to be another.
    Former,
}

impl NameKind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            NameKind::External => "external",
            NameKind::Anonymous => "anonymous",
            NameKind::Email => "email",
            NameKind::Former => "former",
        }
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        [NameKind::External, NameKind::Anonymous, NameKind::Email, NameKind::Former]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// A name of a contact: unique for each kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NameOf {
    pub(super) kind: NameKind,
    pub(super) value: String,
}

impl NameOf {
    pub(super) fn new(kind: NameKind, value: impl Into<String>) -> Self {
        Self { kind, value: value.into() }
    }

    /// The id of a contact that turned out to be another: links in old mails still carry it.
    pub(super) fn former(contact: ContactId) -> Self {
        Self::new(NameKind::Former, contact.to_string())
    }

    /// Where the name is kept: spread by itself, for nobody knows the contact before looking it up.
    pub(super) fn slot(&self) -> Slot {
        Slot::of_bytes(format!("{} {}", self.kind.as_str(), self.value).as_bytes())
    }
}

/// The names that something from outside carries.
pub(super) fn names_of(who: &Identity) -> Vec<NameOf> {
    let email = who.email.as_ref().map(|email| NameOf::new(NameKind::Email, email.key()));
    let external = who.external_id.as_ref().map(|id| NameOf::new(NameKind::External, id.as_str()));
    let anonymous = who.anonymous_id.as_ref().map(|id| NameOf::new(NameKind::Anonymous, id.as_str()));
    [external, anonymous, email].into_iter().flatten().collect()
}

/// Whom names mean, while a batch is taken in: what the database knows, and what the batch adds to it.
///
/// A person is known by the customer's own id first. A device that turns out to be a person's, or an address
/// that was imported before its owner signed in, becomes one contact with the person; two people with ids of
/// their own never do, also where they share a device or an address.
#[derive(Debug, Default)]
pub(super) struct Directory {
    names: BTreeMap<NameOf, ContactId>,
    /// The external id of each contact seen.
    external: BTreeMap<ContactId, Option<String>>,
    /// Contacts that are new, and since when.
    pub(super) added: Vec<(ContactId, Moment)>,
    /// Names that are new or mean somebody else now.
    pub(super) renamed: BTreeMap<NameOf, ContactId>,
    /// Contacts that have an external id now.
    pub(super) identified: BTreeMap<ContactId, String>,
    /// Contacts that turned out to be another, in this order, and when.
    pub(super) merged: Vec<(ContactId, ContactId, Moment)>,
}

/// Whom something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) contact: ContactId,
    /// The address belongs to somebody else and must not be taken over.
    pub(super) address_taken: bool,
}

impl Directory {
    /// Begins with what the database knows.
    pub(super) fn new(
        names: BTreeMap<NameOf, ContactId>,
        external: BTreeMap<ContactId, Option<String>>,
    ) -> Self {
        Self { names, external, ..Self::default() }
    }

    /// Finds out whom names mean; somebody new where nobody is known. `id` is what names them, for a new id.
    pub(super) fn resolve(&mut self, who: &Identity, id: EventId, at: Moment) -> Resolved {
        let name = |kind, value: Option<&str>| value.map(|value| NameOf::new(kind, value));
        let external = name(NameKind::External, who.external_id.as_deref());
        let anonymous = name(NameKind::Anonymous, who.anonymous_id.as_deref());
        let key = who.email.as_ref().map(|email| email.key());
        let email = name(NameKind::Email, key.as_deref());
        let known = |name: &Option<NameOf>| name.as_ref().and_then(|name| self.names.get(name).copied());
        let (by_external, by_anonymous, by_email) = (known(&external), known(&anonymous), known(&email));
        let nameless = |contact: &ContactId| !self.has_external_id(*contact);
        let found = match &external {
            // Whoever is known by an address or a device alone may be this person.
            Some(_) => by_external.or(by_email.filter(nameless)).or(by_anonymous.filter(nameless)),
            None => by_anonymous.or(by_email),
        };
        let contact = found.unwrap_or_else(|| self.add(id, at));
        if let Some(name) = external {
            self.identify(contact, &name.value);
            self.means(name, contact);
        }
        if let Some(name) = anonymous {
            self.joins(by_anonymous, contact, at);
            self.means(name, contact);
        }
        let mut address_taken = false;
        if let Some(name) = email {
            match by_email.map(|other| self.is_now(other)) {
                Some(other) if other != contact && self.has_external_id(other) => address_taken = true,
                other => {
                    self.joins(other, contact, at);
                    self.means(name, contact);
                }
            }
        }
        Resolved { contact: self.is_now(contact), address_taken }
    }

    /// Who a contact turned out to be.
    pub(super) fn is_now(&self, contact: ContactId) -> ContactId {
        self.merged.iter().fold(contact, |now, (from, to, _)| if now == *from { *to } else { now })
    }

    fn has_external_id(&self, contact: ContactId) -> bool {
        self.external.get(&contact).is_some_and(Option::is_some)
    }

    fn add(&mut self, id: EventId, at: Moment) -> ContactId {
        let contact = ContactId(IdHasher::new("contact").part(id.bytes()).finish(at));
        self.added.push((contact, at));
        self.external.insert(contact, None);
        contact
    }

    fn identify(&mut self, contact: ContactId, external_id: &str) {
        if !self.has_external_id(contact) {
            self.external.insert(contact, Some(external_id.to_owned()));
            self.identified.insert(contact, external_id.to_owned());
        }
    }

    fn means(&mut self, name: NameOf, contact: ContactId) {
        if self.names.get(&name) != Some(&contact) {
            self.names.insert(name.clone(), contact);
            self.renamed.insert(name, contact);
        }
    }

    /// A contact without an id of its own turns out to be another.
    fn joins(&mut self, from: Option<ContactId>, to: ContactId, at: Moment) {
        let Some(from) = from.map(|from| self.is_now(from)) else { return };
        if from == to || self.has_external_id(from) {
            return;
        }
        self.merged.push((from, to, at));
        self.means(NameOf::former(from), to);
        let theirs: Vec<NameOf> = self
            .names
            .iter()
            .filter(|(_, contact)| **contact == from)
            .map(|(name, _)| name.clone())
            .collect();
        for name in theirs {
            self.means(name, to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(external: &str, anonymous: &str, email: &str) -> Identity {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Identity { external_id: text(external), anonymous_id: text(anonymous), email: email.parse().ok() }
    }

    /// Resolves one after the other; the same letter stands for the same contact.
    fn people(arrivals: &[(&str, &str, &str)]) -> String {
        let mut directory = Directory::default();
        let at = Moment::from_seconds(1_800_000_000);
        let mut contacts = Vec::new();
        for (number, (external, anonymous, email)) in (0_u8..).zip(arrivals) {
            let id = EventId(IdHasher::new("test").part([number]).finish(at));
            contacts.push(directory.resolve(&who(external, anonymous, email), id, at));
        }
        let mut seen: Vec<ContactId> = Vec::new();
        let mut text = String::new();
        for resolved in contacts {
            let now = directory.is_now(resolved.contact);
            let index = seen.iter().position(|known| *known == now).unwrap_or_else(|| {
                seen.push(now);
                seen.len() - 1
            });
            text.push(char::from(b'a' + u8::try_from(index).unwrap()));
            if resolved.address_taken {
                text.push('!');
            }
        }
        text
    }

    #[test]
    fn names_find_their_people() {
        for (arrivals, expected) in [
            // The same id, the same person.
            (vec![("u1", "", ""), ("u1", "", ""), ("u2", "", "")], "aab"),
            // A device becomes its owner's, with what it did before.
            (vec![("", "d1", ""), ("u1", "d1", ""), ("", "d1", "")], "aaa"),
            // A shared device belongs to whoever used it last; two people stay two.
            (vec![("u1", "d1", ""), ("u2", "d1", ""), ("", "d1", "")], "abb"),
            // An imported address becomes the person's who signs in with it.
            (vec![("", "", "a@x.org"), ("u1", "", "a@x.org"), ("", "", "A@X.org")], "aaa"),
            // ... also where the person was known before under the id alone.
            (vec![("", "", "a@x.org"), ("u1", "", ""), ("u1", "", "a@x.org")], "aaa"),
            // Two people with ids never become one over an address.
            (vec![("u1", "", "a@x.org"), ("u2", "", "a@x.org"), ("", "", "a@x.org")], "ab!a"),
            // A device with an address of its own joins both ways.
            (vec![("", "d1", ""), ("", "", "a@x.org"), ("u1", "d1", "a@x.org")], "aaa"),
        ] {
            assert_eq!(people(&arrivals), expected, "{arrivals:?}");
        }
    }
}
