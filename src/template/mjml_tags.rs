//! The tags of MJML: where each may stand, what may stand in it, which attributes it takes
//! (<https://documentation.mjml.io>).

/// What stands between the begin and the end of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Other tags of MJML.
    Tags,
    /// HTML.
    Html,
    /// HTML that need not be whole in itself.
    RawHtml,
    /// Text alone.
    Text,
    /// A style sheet.
    Style,
    /// Nothing.
    Nothing,
}

#[derive(Debug)]
pub(super) struct MjmlTag {
    pub name: &'static str,
    /// The tags that it may stand in.
    pub parents: &'static [&'static str],
    pub content: Content,
    /// Whether conditions and loops may stand between what is in it.
    pub takes_statements: bool,
    attributes: &'static [&'static [&'static str]],
}

impl MjmlTag {
    /// Every attribute it takes.
    pub fn attributes(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.attributes.iter().copied().flatten().copied()
    }
}

/// The tag of that name.
pub(super) fn mjml_tag(name: &str) -> Option<&'static MjmlTag> {
    TAGS.iter().find(|tag| tag.name == name)
}

type Names = &'static [&'static str];

const ANY: Names = &["css-class", "mj-class"];
const PADDING: Names = &["padding", "padding-top", "padding-right", "padding-bottom", "padding-left"];
const BORDER: Names =
    &["border", "border-top", "border-right", "border-bottom", "border-left", "border-radius"];
const FONT: Names = &[
    "color",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "letter-spacing",
    "line-height",
    "text-decoration",
    "text-transform",
];
const LINK: Names = &["href", "rel", "target", "title", "name"];
const BLOCK: Names = &["align", "container-background-color", "vertical-align"];
const BACKGROUND: Names = &[
    "background-color",
    "background-url",
    "background-repeat",
    "background-size",
    "background-position",
    "background-position-x",
    "background-position-y",
];
const INNER: Names = &[
    "inner-background-color",
    "inner-border",
    "inner-border-top",
    "inner-border-right",
    "inner-border-bottom",
    "inner-border-left",
    "inner-border-radius",
    "inner-padding",
    "inner-padding-top",
    "inner-padding-right",
    "inner-padding-bottom",
    "inner-padding-left",
];
const ICON: Names = &[
    "icon-align",
    "icon-height",
    "icon-position",
    "icon-unwrapped-alt",
    "icon-unwrapped-url",
    "icon-width",
    "icon-wrapped-alt",
    "icon-wrapped-url",
];
const SOCIAL: Names =
    &["border-radius", "icon-height", "icon-size", "icon-padding", "icon-position", "text-padding"];

const HEAD: Names = &["mj-head"];
const COLUMN: Names = &["mj-column", "mj-hero"];

const fn tag(name: &'static str, parents: Names, content: Content, attributes: &'static [Names]) -> MjmlTag {
    MjmlTag { name, parents, content, takes_statements: false, attributes }
}

/// A tag in which conditions and loops may stand between other tags.
const fn holder(name: &'static str, parents: Names, attributes: &'static [Names]) -> MjmlTag {
    MjmlTag { name, parents, content: Content::Tags, takes_statements: true, attributes }
}

pub(super) static TAGS: [MjmlTag; 33] = [
    tag("mjml", &[], Content::Tags, &[&["lang", "dir", "owa", "version"]]),
    tag("mj-head", &["mjml"], Content::Tags, &[]),
    tag("mj-attributes", HEAD, Content::Tags, &[]),
    tag("mj-breakpoint", HEAD, Content::Nothing, &[&["width"]]),
    tag("mj-font", HEAD, Content::Nothing, &[&["name", "href"]]),
    tag("mj-preview", HEAD, Content::Text, &[]),
    tag("mj-style", HEAD, Content::Style, &[&["inline"]]),
    tag("mj-title", HEAD, Content::Text, &[]),
    holder("mj-body", &["mjml"], &[ANY, &["background-color", "width"]]),
    holder(
        "mj-wrapper",
        &["mj-body"],
        &[
            ANY,
            PADDING,
            BORDER,
            BACKGROUND,
            &["direction", "full-width", "gap", "text-align", "text-padding"],
        ],
    ),
    holder(
        "mj-section",
        &["mj-body", "mj-wrapper"],
        &[ANY, PADDING, BORDER, BACKGROUND, &["direction", "full-width", "text-align", "text-padding"]],
    ),
    holder(
        "mj-hero",
        &["mj-body", "mj-wrapper"],
        &[
            ANY,
            PADDING,
            BLOCK,
            INNER,
            &["background-color", "background-url", "background-position", "background-width"],
            &["background-height", "border-radius", "height", "mode", "width"],
        ],
    ),
    holder(
        "mj-group",
        &["mj-section"],
        &[ANY, &["background-color", "direction", "vertical-align", "width"]],
    ),
    holder(
        "mj-column",
        &["mj-section", "mj-group"],
        &[ANY, PADDING, BORDER, INNER, &["background-color", "direction", "vertical-align", "width"]],
    ),
    tag("mj-text", COLUMN, Content::Html, &[ANY, PADDING, FONT, BLOCK, &["height"]]),
    tag(
        "mj-button",
        COLUMN,
        Content::Html,
        &[
            ANY,
            PADDING,
            FONT,
            BORDER,
            BLOCK,
            INNER,
            LINK,
            &["background-color", "height", "text-align", "width"],
        ],
    ),
    tag(
        "mj-image",
        COLUMN,
        Content::Nothing,
        &[
            ANY,
            PADDING,
            BORDER,
            BLOCK,
            LINK,
            &["alt", "fluid-on-mobile", "font-size", "full-width", "height", "max-height", "sizes", "src"],
            &["srcset", "usemap", "width"],
        ],
    ),
    tag(
        "mj-table",
        COLUMN,
        Content::Html,
        &[
            ANY,
            PADDING,
            FONT,
            BLOCK,
            &["border", "cellpadding", "cellspacing", "role", "table-layout", "width"],
        ],
    ),
    tag(
        "mj-divider",
        COLUMN,
        Content::Nothing,
        &[ANY, PADDING, BLOCK, &["border-color", "border-style", "border-width", "width"]],
    ),
    tag("mj-spacer", COLUMN, Content::Nothing, &[ANY, PADDING, BLOCK, &["height"]]),
    holder(
        "mj-social",
        COLUMN,
        &[ANY, PADDING, FONT, BLOCK, SOCIAL, &["inner-padding", "mode", "table-layout"]],
    ),
    tag(
        "mj-social-element",
        &["mj-social"],
        Content::Html,
        &[
            ANY,
            PADDING,
            FONT,
            SOCIAL,
            LINK,
            &["align", "alt", "background-color", "src", "srcset", "sizes"],
            &["vertical-align"],
        ],
    ),
    holder(
        "mj-navbar",
        COLUMN,
        &[
            ANY,
            PADDING,
            BLOCK,
            &[
                "base-url",
                "hamburger",
                "ico-align",
                "ico-close",
                "ico-color",
                "ico-font-family",
                "ico-font-size",
            ],
            &["ico-line-height", "ico-open", "ico-padding", "ico-padding-top", "ico-padding-right"],
            &["ico-padding-bottom", "ico-padding-left", "ico-text-decoration", "ico-text-transform"],
        ],
    ),
    tag("mj-navbar-link", &["mj-navbar"], Content::Html, &[ANY, PADDING, FONT, LINK]),
    holder("mj-accordion", COLUMN, &[ANY, PADDING, BLOCK, ICON, &["border", "font-family"]]),
    tag(
        "mj-accordion-element",
        &["mj-accordion"],
        Content::Tags,
        &[ANY, ICON, &["background-color", "border", "font-family"]],
    ),
    tag(
        "mj-accordion-title",
        &["mj-accordion-element"],
        Content::Html,
        &[ANY, PADDING, FONT, &["background-color"]],
    ),
    tag(
        "mj-accordion-text",
        &["mj-accordion-element"],
        Content::Html,
        &[ANY, PADDING, FONT, &["background-color"]],
    ),
    tag(
        "mj-carousel",
        COLUMN,
        Content::Tags,
        &[
            ANY,
            PADDING,
            BLOCK,
            &["background-color", "border-radius", "icon-width", "left-icon", "right-icon", "tb-border"],
            &[
                "tb-border-radius",
                "tb-hover-border-color",
                "tb-selected-border-color",
                "tb-width",
                "thumbnails",
            ],
        ],
    ),
    tag(
        "mj-carousel-image",
        &["mj-carousel"],
        Content::Nothing,
        &[ANY, LINK, &["alt", "border-radius", "src", "tb-border", "tb-border-radius", "thumbnails-src"]],
    ),
    tag(
        "mj-raw",
        &["mj-head", "mj-body", "mj-wrapper", "mj-section", "mj-group", "mj-column", "mj-hero"],
        Content::RawHtml,
        &[&["position"]],
    ),
    tag("mj-all", &["mj-attributes"], Content::Nothing, &[]),
    tag("mj-class", &["mj-attributes"], Content::Nothing, &[&["name"]]),
];

/// Whether any tag takes the attribute, which is what `mj-all` and `mj-class` can set.
pub(super) fn is_attribute(name: &str) -> bool {
    TAGS.iter().any(|tag| tag.attributes().any(|known| known == name))
}
