//! The formatter: it never changes what a file means, and what it has formatted stays as it is.

#![no_main]

mod written;

use libfuzzer_sys::fuzz_target;
use lotse::language::format::{FormatError, format_text};
use lotse::language::syntax;

fuzz_target!(|data: &[u8]| {
    let text = written::text(data);
    match format_text(&text) {
        Ok(formatted) => {
            let again = format_text(&formatted).expect("what is formatted can be formatted");
            assert_eq!(again, formatted, "twice is once");
            assert_eq!(syntax::meaning(&formatted), syntax::meaning(&text), "it means the same");
        }
        Err(FormatError::Mistakes(found)) => assert!(!found.is_empty(), "mistakes are told"),
        Err(FormatError::Meaning) => panic!("it would mean something else"),
    }
});
