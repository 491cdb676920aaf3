use std::fmt;
use std::str::FromStr;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The journey cannot run as written.
    Error,
    /// It can, but hardly as meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}

/// Declares the codes once: the enum, the severity, the title and the page all come from this table.
macro_rules! codes {
    ($($code:ident $severity:ident $title:literal)*) => {
        /// The stable code of a kind of finding. A code never changes its meaning and is never used again.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $code,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &[Code] = &[$(Code::$code,)*];

            /// The code as people write it, such as `E101`.
            pub fn name(self) -> &'static str {
                match self { $(Code::$code => stringify!($code),)* }
            }

            /// How grave it is.
            pub fn severity(self) -> Severity {
                match self { $(Code::$code => Severity::$severity,)* }
            }

            /// What it is about, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Code::$code => $title,)* }
            }

            /// The page that `lotse explain` prints.
            pub fn page(self) -> &'static str {
                match self {
                    $(Code::$code => include_str!(
                        concat!(env!("CARGO_MANIFEST_DIR"), "/docs/findings/", stringify!($code), ".md")
                    ),)*
                }
            }
        }
    };
}

codes! {
    E001 Error "text that is not the language"
    E002 Error "a literal that cannot be"
    E101 Error "a name that nothing declares"
    E102 Error "a name declared twice"
    E103 Error "a field that is not there"
    E201 Error "types that do not fit"
    E202 Error "a value outside `one of`"
    E301 Error "a path that ends nowhere"
    E302 Error "a part that nothing can reach"
    E303 Error "a circle with no wait in it"
    E304 Error "shares that are not 100 % together"
    E305 Error "a wait for a reaction to a message that was not sent"
    E306 Error "a `reply`, `event` or `stop` where there is none"
    E307 Error "a clause twice, or a journey without `enter` or stages"
    E401 Error "a template that is missing or broken"
    E402 Error "a template variable that does not exist"
    E403 Error "a message without a topic"
    E404 Error "a marketing email with no way to unsubscribe"
    E405 Error "a journey that loosens the policy"
    E501 Error "a test that names what is not there"
    W601 Warning "deciding by opens alone"
    W602 Warning "more messages than the caps let through"
    W603 Warning "no goal, or no control group"
    W604 Warning "a stage that no test visits"
    W605 Warning "a declaration that nothing uses"
    W606 Warning "a wait of no length, or past the journey's end"
    W607 Warning "a condition that is always or never true"
    W608 Warning "a placeholder that is sent as it stands"
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Code {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Code::ALL.iter().copied().find(|code| code.name().eq_ignore_ascii_case(text)).ok_or(())
    }
}
