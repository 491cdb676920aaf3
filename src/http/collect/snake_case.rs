/// A name the way journeys write it: `firstName`, `First Name` and `first-name` are all `first_name`.
///
/// Capitals that follow each other are one word (`orderID`, `HTTPStatus`), digits belong to the word before them.
/// Empty where a name has no letter and no digit.
pub(super) fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut before: Option<char> = None;
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        if !letter.is_alphanumeric() {
            before = None;
            continue;
        }
        let begins = match before {
            None => true,
            Some(before) if letter.is_uppercase() => {
                let next_is_small = letters.peek().is_some_and(|next| next.is_lowercase());
                !before.is_uppercase() || next_is_small
            }
            Some(_) => false,
        };
        if begins && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
        before = Some(letter);
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_those_of_journeys() {
        for (name, snake) in [
            ("first_name", "first_name"),
            ("firstName", "first_name"),
            ("FirstName", "first_name"),
            ("First Name", "first_name"),
            ("first-name", "first_name"),
            ("first  .name", "first_name"),
            ("orderID", "order_id"),
            ("orderIDs", "order_i_ds"),
            ("HTTPStatus", "http_status"),
            ("plan2Name", "plan2_name"),
            ("Straße", "straße"),
            ("größeÄnderung", "größe_änderung"),
            ("$email", "email"),
            ("__v", "v"),
            ("total", "total"),
            ("A", "a"),
            ("", ""),
            ("$-", ""),
        ] {
            assert_eq!(snake_case(name), snake, "{name}");
            assert_eq!(snake_case(snake), snake, "{name} again");
        }
    }
}
