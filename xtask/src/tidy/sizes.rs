//! How long files and functions may be.

use std::ops::Range;

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Block, Expr, ImplItemFn, Item, ItemFn, Pat, Signature, TraitItemFn};

use super::{Exceptions, Finding, Source, rust};

const RULE: &str = "xtask/src/tidy/sizes.rs";

/// The most lines of a Rust file.
const LONGEST_FILE: usize = 600;

/// The most lines of a Rust file that is shipped.
const LONGEST_PRODUCT_FILE: usize = 500;

/// The most lines of a function, from its `fn` to its closing brace.
const LONGEST_FUNCTION: usize = 60;

/// A longer function may be one match that names every case. It may have this many lines besides.
const BESIDE_A_MATCH: usize = 15;

pub(super) fn is_short(source: &Source) -> Vec<Finding> {
    let longest = match is_product(source) {
        true => LONGEST_PRODUCT_FILE,
        false => LONGEST_FILE,
    };
    let length = source.text.lines().count();
    if !source.is("rs") || length <= longest {
        return Vec::new();
    }
    vec![source.finding(
        longest + 1,
        format!("{length} lines: split by what the parts do"),
    )]
}

/// Finds functions that do not fit a screen. One that is a single match of every case may be longer.
pub(super) fn have_short_functions(sources: &[Source]) -> Vec<Finding> {
    let mut exceptions = Exceptions::of(RULE);
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| has_functions(source)) {
        let mut functions = Functions::default();
        match rust::parse(source) {
            Ok(file) => functions.visit_file(&file),
            Err(unreadable) => findings.push(unreadable),
        }
        for (name, lines) in functions.long {
            let list = LISTS.iter().find(|list| **list == (&source.path, &name));
            let advice = format!(
                "{} lines: take a part out, so that it fits a screen",
                lines.len()
            );
            match list {
                Some(list) => exceptions.need(&shown(list)),
                None => findings.push(source.finding(lines.start, advice)),
            }
        }
    }
    findings.extend(exceptions.unneeded(LISTS.iter().map(shown)));
    findings
}

fn has_functions(source: &Source) -> bool {
    let path = source.path.as_str();
    let is_source = ["crates/", "prove/", "bench/", "xtask/"]
        .iter()
        .any(|root| path.starts_with(root));
    is_source && source.is("rs") && path.contains("/src/") && !is_test(path)
}

/// Files that are shipped, apart from their tests.
fn is_product(source: &Source) -> bool {
    let path = source.path.as_str();
    path.starts_with("crates/") && path.contains("/src/") && !is_test(path)
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// Functions that are one list, or that name each field of a struct.
const LISTS: [(&str, &str); 2] = [
    ("crates/lictor-server/src/dialects/native/mod.rs", "rows"),
    ("crates/lictor-store/src/check.rs", "compare_state"),
];

fn shown((file, name): &(&str, &str)) -> String {
    format!("{name} in {file}")
}

/// The functions of a file that are too long, apart from tests: the name, and the lines from `fn` to the closing brace.
#[derive(Default)]
struct Functions {
    long: Vec<(String, Range<usize>)>,
}

impl Functions {
    fn function(&mut self, signature: &Signature, block: &Block) {
        let start = signature.span().start().line;
        let lines = start..block.brace_token.span.close().end().line + 1;
        let mut matches = Matches::default();
        block
            .stmts
            .iter()
            .for_each(|statement| matches.visit_stmt(statement));
        if lines.len() > LONGEST_FUNCTION && lines.len() - matches.longest > BESIDE_A_MATCH {
            self.long.push((signature.ident.to_string(), lines));
        }
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item(&mut self, item: &'ast Item) {
        if !rust::is_for_tests(rust::attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !rust::is_for_tests(&function.attrs) {
            self.function(&function.sig, &function.block);
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.function(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

/// The longest match among the statements of a function that names every case: not one inside a loop, a closure or
/// another block, and none with `_`.
#[derive(Default)]
struct Matches {
    longest: usize,
}

impl<'ast> Visit<'ast> for Matches {
    fn visit_expr(&mut self, expression: &'ast Expr) {
        match expression {
            Expr::Match(one) => {
                let has_rest = one.arms.iter().any(|arm| matches!(arm.pat, Pat::Wild(_)));
                let (start, end) = (
                    one.match_token.span.start(),
                    one.brace_token.span.close().end(),
                );
                if !has_rest {
                    self.longest = self.longest.max(end.line - start.line + 1);
                }
            }
            Expr::Async(_)
            | Expr::Block(_)
            | Expr::Closure(_)
            | Expr::ForLoop(_)
            | Expr::If(_)
            | Expr::Loop(_)
            | Expr::Unsafe(_)
            | Expr::While(_) => {}
            other => visit::visit_expr(self, other),
        }
    }

    fn visit_item(&mut self, _: &'ast Item) {}
}

#[cfg(test)]
mod tests {
    use super::super::{planted, red};
    use super::*;

    #[test]
    fn a_file_of_601_lines_is_red_and_one_of_501_that_is_shipped() {
        assert_eq!(red(is_short, "prove/src/a.rs", &"x\n".repeat(601)), [601]);
        assert_eq!(red(is_short, "prove/src/a.rs", &"x\n".repeat(600)), [0; 0]);
        let shipped = "crates/lictor/src/a.rs";
        assert_eq!(red(is_short, shipped, &"x\n".repeat(501)), [501]);
        assert_eq!(red(is_short, shipped, &"x\n".repeat(500)), [0; 0]);
        let tests = "crates/lictor/src/a/tests.rs";
        assert_eq!(red(is_short, tests, &"x\n".repeat(600)), [0; 0]);
    }

    fn long(path: &str, text: &str) -> Vec<usize> {
        let found = have_short_functions(&[planted(path, text)]).into_iter();
        let found = found.filter(|finding| finding.path != RULE);
        found.map(|finding| finding.line).collect()
    }

    #[test]
    fn a_function_of_61_lines_is_red_unless_it_is_one_match() {
        let of = |lines: usize| {
            let statements = "    x;\n".repeat(lines);
            format!("//! x\npub(crate) async fn f() {{\n{statements}}}\n")
        };
        let path = "crates/lictor/src/a.rs";
        assert_eq!(long(path, &of(59)), [2]);
        assert_eq!(long(path, &of(58)), [0; 0]);
        let tests = format!(
            "//! x\n#[cfg(test)]\nmod tests {{\n{}}}\n",
            of(99).replace("//! x", "")
        );
        assert_eq!(long(path, &tests), [0; 0]);
        let after = format!("{tests}{}", of(59).replace("//! x", ""));
        assert_eq!(long(path, &after).len(), 1);
        let inner = format!(
            "//! x\nimpl A {{\nconst fn g(\n) {{\n{}}}\n}}\n",
            "    x;\n".repeat(58)
        );
        assert_eq!(long(path, &inner), [3]);
        let method = "//! x\ntrait T {\n    fn f();\n    fn g();\n}\n";
        assert_eq!(long(path, method), [0; 0]);
        assert_eq!(long(path, "//! x\nfn f() {\n"), [2]);
    }

    #[test]
    fn only_a_match_that_names_every_case_may_be_long() {
        let path = "crates/lictor/src/a.rs";
        let matching = |beside: usize, case: &str| {
            let arms = "        A => b,\n".repeat(80);
            let beside = "    x;\n".repeat(beside);
            format!(
                "//! x\nfn f() {{\n{beside}    let c = match a {{\n{arms}        {case} => c,\n    }};\n}}\n"
            )
        };
        assert_eq!(long(path, &matching(13, "C")), [0; 0]);
        assert_eq!(long(path, &matching(14, "C")), [2]);
        assert_eq!(long(path, &matching(13, "_")), [2]);
        let inside = matching(0, "C")
            .replace("let c = match", "loop { match")
            .replace("};", "}}");
        assert_eq!(long(path, &inside), [2]);
    }

    #[test]
    fn an_exception_for_a_function_that_is_short_is_red() {
        assert_eq!(have_short_functions(&[]).len(), LISTS.len());
    }
}
