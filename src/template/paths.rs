//! Named values in expressions: which they are, where they begin, when they are sure to be set.

use minijinja::machinery::ast::{BinOpKind, Expr, UnaryOpKind};

/// The name of a value, step by step: `contact`, `first_name`.
pub(super) type Path = Vec<String>;

/// The name of a value where an expression is nothing but one. A step by number stays at the list.
pub(super) fn path(expression: &Expr<'_>) -> Option<Path> {
    match expression {
        Expr::Var(variable) => Some(vec![variable.id.to_owned()]),
        Expr::GetAttr(attribute) => {
            let mut path = path(&attribute.expr)?;
            path.push(attribute.name.to_owned());
            Some(path)
        }
        Expr::GetItem(item) => {
            let Expr::Const(constant) = &item.subscript_expr else { return None };
            let mut path = path(&item.expr)?;
            if let Some(name) = constant.value.as_str() {
                path.push(name.to_owned());
            }
            Some(path)
        }
        _ => None,
    }
}

/// Where an expression begins; the tree has what is done to a value begin behind that value.
pub(super) fn leftmost(expression: &Expr<'_>) -> usize {
    match expression {
        Expr::GetAttr(attribute) => leftmost(&attribute.expr),
        Expr::GetItem(item) => leftmost(&item.expr),
        Expr::Slice(slice) => leftmost(&slice.expr),
        Expr::Call(call) => leftmost(&call.expr),
        Expr::IfExpr(choice) => leftmost(&choice.true_expr),
        Expr::Test(test) => leftmost(&test.expr),
        Expr::Filter(filter) => filter.expr.as_ref().map_or(filter.span().start_offset as usize, leftmost),
        other => other.span().start_offset as usize,
    }
}

/// The values that are set whenever a condition comes out as `holds`.
pub(super) fn guards(condition: &Expr<'_>, holds: bool) -> Vec<Path> {
    match condition {
        Expr::UnaryOp(unary) if matches!(unary.op, UnaryOpKind::Not) => guards(&unary.expr, !holds),
        Expr::BinOp(operation) => {
            let both = |holds| {
                let mut sure = guards(&operation.left, holds);
                sure.extend(guards(&operation.right, holds));
                sure
            };
            match operation.op {
                BinOpKind::ScAnd if holds => both(true),
                BinOpKind::ScOr if !holds => both(false),
                BinOpKind::Eq | BinOpKind::Gt | BinOpKind::Gte if holds => {
                    path(&operation.left).into_iter().collect()
                }
                BinOpKind::In if holds => path(&operation.right).into_iter().collect(),
                _ => Vec::new(),
            }
        }
        Expr::Test(test) => match (test.name, holds) {
            ("defined", true) | ("none" | "undefined", false) => path(&test.expr).into_iter().collect(),
            ("number" | "string" | "even" | "odd" | "startingwith" | "endingwith", true) => {
                path(&test.expr).into_iter().collect()
            }
            _ => Vec::new(),
        },
        other if holds => path(other).into_iter().collect(),
        _ => Vec::new(),
    }
}
