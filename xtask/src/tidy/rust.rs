//! What the Rust code of a file names and says, read by a parser: no comments, and tests only where they are asked for.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{
    Arm, Attribute, Expr, ExprMethodCall, File, ImplItem, Item, ItemEnum, ItemExternCrate,
    ItemImpl, ItemMod, ItemUse, Lit, LitStr, Macro, Member, Meta, Pat, Type, UseTree,
};

use super::{Finding, Source};

/// A text in quotes.
#[derive(Debug)]
pub(super) struct Literal {
    pub(super) line: usize,
    pub(super) text: String,
    /// The enum of which it is the word, if it is what an arm of a `match` gives for one of its variants.
    pub(super) word_of: Option<String>,
    /// Whether that is in a function of the enum itself.
    pub(super) is_own: bool,
}

/// A path, from `crate` where the file itself can tell.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) line: usize,
    pub(super) parts: Vec<String>,
    /// Whether what it names gets another name, so that what is taken of it later cannot be seen.
    pub(super) is_renamed: bool,
}

/// A method that is called.
#[derive(Debug)]
pub(super) struct Called {
    pub(super) line: usize,
    pub(super) method: String,
    /// The last name in what it is called on.
    pub(super) on: Option<String>,
}

/// An enum that is defined, with what it is given as its words by its attributes or by `words!`.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) owner: String,
    pub(super) words: Vec<String>,
}

/// What the code of one file has.
#[derive(Debug, Default)]
pub(super) struct Code {
    pub(super) literals: Vec<Literal>,
    pub(super) paths: Vec<Path>,
    pub(super) calls: Vec<Called>,
    pub(super) words: Vec<Words>,
    /// The files, without `.rs`, of the modules that are for tests alone.
    pub(super) tests: Vec<String>,
    module: Vec<String>,
    owner: Option<String>,
    folder: String,
    has_tests: bool,
}

/// The syntax tree of a file.
pub(super) fn parse(source: &Source) -> Result<File, Finding> {
    syn::parse_file(&source.text).map_err(|error| {
        let line = error.span().start().line;
        source.finding(line, format!("it is no Rust that can be read: {error}"))
    })
}

/// Reads the code of a file, apart from its tests.
pub(super) fn read(source: &Source) -> Result<Code, Finding> {
    read_as(source, false)
}

/// Reads the code of a file and of its tests.
pub(super) fn read_with_tests(source: &Source) -> Result<Code, Finding> {
    read_as(source, true)
}

fn read_as(source: &Source, has_tests: bool) -> Result<Code, Finding> {
    let file = parse(source)?;
    let path = source.path.trim_end_matches(".rs");
    let inside = path.rsplit_once("src/").map_or(path, |(_, inside)| inside);
    let mut module: Vec<_> = inside.split('/').map(str::to_owned).collect();
    let folder = match module.last().map(String::as_str) {
        Some("mod" | "lib" | "main") => {
            module.pop();
            path.rsplit_once('/').map_or("", |(folder, _)| folder)
        }
        _ => path,
    };
    let mut code = Code {
        module,
        folder: folder.to_owned(),
        has_tests,
        ..Code::default()
    };
    code.visit_file(&file);
    Ok(code)
}

/// Whether what these attributes stand on is compiled for tests alone.
pub(super) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        Meta::Path(path) => path.is_ident("test"),
        Meta::NameValue(_) => false,
    })
}

/// The attributes of an item that may be for tests alone.
pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn line(span: Span) -> usize {
    span.start().line
}

impl Code {
    fn literal(&mut self, span: Span, text: String, word_of: Option<String>) {
        let is_own = word_of.is_some() && word_of == self.owner;
        self.literals.push(Literal {
            line: line(span),
            text,
            word_of,
            is_own,
        });
    }

    /// Notes a path, from the root of the crate if it begins at this module.
    fn path(&mut self, span: Span, parts: &[String], is_renamed: bool) {
        let mut whole = Vec::new();
        if matches!(parts[0].as_str(), "self" | "super") {
            whole.push("crate".to_owned());
            whole.extend(self.module.iter().cloned());
        }
        for part in parts {
            match part.as_str() {
                "self" => {}
                "super" if whole.len() > 1 => drop(whole.pop()),
                _ => whole.push(part.clone()),
            }
        }
        self.paths.push(Path {
            line: line(span),
            parts: whole,
            is_renamed,
        });
    }

    fn tree(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: String| [before, &[name]].concat();
        match tree {
            UseTree::Path(path) => self.tree(&path.tree, &with(path.ident.to_string())),
            UseTree::Name(name) => {
                self.path(name.ident.span(), &with(name.ident.to_string()), false);
            }
            UseTree::Rename(rename) => {
                let names = with(rename.ident.to_string());
                self.path(rename.ident.span(), &names, rename.rename != "_");
            }
            UseTree::Glob(glob) => {
                let span = glob.star_token.spans[0];
                self.path(span, &with("*".to_owned()), false);
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree, before)),
        }
    }

    /// Reads what stands in a macro, whose syntax is its own.
    fn tokens(&mut self, stream: TokenStream) {
        let tokens: Vec<_> = stream.into_iter().collect();
        let is = |at: usize, punctuation: char| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == punctuation);
        let name = |at: usize| match tokens.get(at) {
            Some(TokenTree::Ident(name)) => Some(name.to_string()),
            _ => None,
        };
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    if let Some(text) = text(&Lit::new(literal.clone())) {
                        self.literal(literal.span(), text, None);
                    }
                }
                TokenTree::Ident(first) => {
                    let is_called = at > 1
                        && is(at - 1, '.')
                        && matches!(tokens.get(at + 1), Some(TokenTree::Group(group))
                            if group.delimiter() == Delimiter::Parenthesis);
                    if is_called {
                        // Of `call().has(…)` the name stands before its parentheses.
                        let on = name(at - 2).or_else(|| name(at.checked_sub(3)?));
                        self.calls.push(Called {
                            line: line(first.span()),
                            method: first.to_string(),
                            on,
                        });
                    }
                    let mut parts = vec![first.to_string()];
                    while is(at + 1, ':') && is(at + 2, ':') {
                        let Some(part) = name(at + 3) else { break };
                        parts.push(part);
                        at += 3;
                    }
                    self.path(first.span(), &parts, false);
                }
                TokenTree::Punct(_) => {}
            }
            at += 1;
        }
    }
}

fn text(literal: &Lit) -> Option<String> {
    match literal {
        Lit::Str(text) => Some(text.value()),
        Lit::ByteStr(bytes) => Some(String::from_utf8_lossy(&bytes.value()).into_owned()),
        Lit::CStr(text) => Some(text.value().to_string_lossy().into_owned()),
        _ => None,
    }
}

/// The literal that an arm gives.
fn given(body: &Expr) -> Option<&LitStr> {
    match body {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text),
            _ => None,
        },
        Expr::Block(block) => match block.block.stmts.as_slice() {
            [syn::Stmt::Expr(inner, None)] => given(inner),
            _ => None,
        },
        _ => None,
    }
}

/// The enum that a pattern names a variant of.
fn matched(pattern: &Pat) -> Option<String> {
    let path = match pattern {
        Pat::Path(path) => &path.path,
        Pat::TupleStruct(tuple) => &tuple.path,
        Pat::Struct(named) => &named.path,
        Pat::Or(any) => return any.cases.first().and_then(matched),
        _ => return None,
    };
    let owner = path.segments.iter().rev().nth(1)?;
    Some(owner.ident.to_string())
}

/// What an enum's attributes make of its variants' names.
fn named_by_serde(item: &ItemEnum) -> Vec<String> {
    let mut all = Vec::new();
    for attribute in &item.attrs {
        let Meta::List(list) = &attribute.meta else {
            continue;
        };
        let said = list.tokens.to_string();
        let Some((_, rule)) = said.split_once("rename_all = \"") else {
            continue;
        };
        let joint = match rule.split('"').next() {
            Some("snake_case") => "_",
            Some("kebab-case") => "-",
            _ => "",
        };
        let is_unit = item
            .variants
            .iter()
            .all(|variant| variant.fields.is_empty());
        if list.path.is_ident("serde") && is_unit {
            let names = item
                .variants
                .iter()
                .map(|variant| variant.ident.to_string());
            all.extend(names.map(|name| in_case(&name, joint)));
        }
    }
    all
}

fn in_case(name: &str, joint: &str) -> String {
    let mut text = String::new();
    for (index, c) in name.char_indices() {
        if index > 0 && c.is_uppercase() {
            text.push_str(joint);
        }
        text.extend(c.to_lowercase());
    }
    text
}

impl<'ast> Visit<'ast> for Code {
    fn visit_item(&mut self, item: &'ast Item) {
        if !self.has_tests && is_for_tests(attributes(item)) {
            if let Item::Mod(module) = item
                && module.content.is_none()
            {
                self.tests.push(format!("{}/{}", self.folder, module.ident));
            }
            return;
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let is_test = match item {
            ImplItem::Fn(item) => is_for_tests(&item.attrs),
            ImplItem::Const(item) => is_for_tests(&item.attrs),
            _ => false,
        };
        if self.has_tests || !is_test {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.module.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let name = match &*item.self_ty {
            Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        let outer = std::mem::replace(&mut self.owner, name);
        visit::visit_item_impl(self, item);
        self.owner = outer;
    }

    fn visit_item_enum(&mut self, item: &'ast ItemEnum) {
        let words = named_by_serde(item);
        if !words.is_empty() {
            let owner = item.ident.to_string();
            self.words.push(Words { owner, words });
        }
        visit::visit_item_enum(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.tree(&item.tree, &[]);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast ItemExternCrate) {
        let names = [item.ident.to_string()];
        self.path(item.ident.span(), &names, item.rename.is_some());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        match &attribute.meta {
            Meta::NameValue(named) if named.path.is_ident("doc") => {}
            Meta::List(list) => self.tokens(list.tokens.clone()),
            _ => visit::visit_attribute(self, attribute),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<_> = path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        let span = path.segments[0].ident.span();
        self.path(span, &parts, false);
        visit::visit_path(self, path);
    }

    fn visit_lit(&mut self, literal: &'ast Lit) {
        if let Some(text) = text(literal) {
            self.literal(literal.span(), text, None);
        }
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        let (Some(word), Some(owner)) = (given(&arm.body), matched(&arm.pat)) else {
            return visit::visit_arm(self, arm);
        };
        let own = self.owner.clone();
        let owner = if owner == "Self" { own } else { Some(owner) };
        self.visit_pat(&arm.pat);
        self.literal(word.span(), word.value(), owner);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let on = match &*call.receiver {
            Expr::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            Expr::Field(field) => match &field.member {
                Member::Named(name) => Some(name.to_string()),
                Member::Unnamed(_) => None,
            },
            Expr::MethodCall(call) => Some(call.method.to_string()),
            _ => None,
        };
        self.calls.push(Called {
            line: line(call.method.span()),
            method: call.method.to_string(),
            on,
        });
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        let name = called.path.segments.last();
        if name.is_none_or(|name| name.ident != "words") {
            self.visit_path(&called.path);
            return self.tokens(called.tokens.clone());
        }
        // words!(Enum, "what it is", { Variant => "word", … })
        let mut inner = Self {
            module: self.module.clone(),
            ..Self::default()
        };
        inner.tokens(called.tokens.clone());
        let owner = called.tokens.clone().into_iter().next();
        let said = inner.literals.into_iter().skip(1);
        self.words.push(Words {
            owner: owner.map_or_else(String::new, |owner| owner.to_string()),
            words: said.map(|literal| literal.text).collect(),
        });
    }
}
