use serde::{Deserialize, Serialize};

use super::verdict::HitKind;

/// What kind of program calls itself so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentKind {
    /// A mail gateway or scanner that follows links to see whether they are safe.
    Scanner,
    /// A mail program or proxy that loads images when the mail comes, whether anybody reads it or not.
    Prefetcher,
    /// A proxy that loads images when somebody reads the mail, and never follows a link for them.
    ImageProxy,
    /// A program that draws a preview of a link.
    Preview,
    /// A search engine or the like.
    Crawler,
    /// A library, a script, a browser without a screen.
    Library,
    /// A mail or office program, which loads images for a reader but opens links in a browser.
    MailProgram,
}

/// How a name is recognised; all in small letters.
enum Sign {
    /// The whole of it.
    Whole(&'static str),
    /// A part of it.
    Part(&'static str),
    /// A word of it that ends so, such as the `bot` in `SomeBot/1.0`.
    Ending(&'static str),
}

use AgentKind::{Crawler, ImageProxy, Library, MailProgram, Prefetcher, Preview, Scanner};
use Sign::{Ending, Part, Whole};

/// The programs that are known, the first that fits counts.
///
/// Google and Yahoo load images when the person opens the mail, so an image over their proxies is a person's;
/// Apple loads them when the mail comes, so one over its proxy tells nothing. Mail and office programs load images
/// for their reader, but links they only look at before a browser opens them.
const AGENTS: &[(Sign, AgentKind)] = &[
    (Part("googleimageproxy"), ImageProxy),
    (Part("yahoomailproxy"), ImageProxy),
    // Apple Mail Privacy Protection says no more than this.
    (Whole("mozilla/5.0"), Prefetcher),
    // Gmail, when the mail comes; nobody has had this browser since 2016.
    (Part("edge/12.246 mozilla/5.0"), Prefetcher),
    (Part("mimecast"), Scanner),
    (Part("proofpoint"), Scanner),
    (Part("barracuda"), Scanner),
    (Part("safelinks"), Scanner),
    (Part("cloudmark"), Scanner),
    (Part("symantec"), Scanner),
    (Part("messagelabs"), Scanner),
    (Part("trendmicro"), Scanner),
    (Part("trend micro"), Scanner),
    (Part("sophos"), Scanner),
    (Part("fireeye"), Scanner),
    (Part("trellix"), Scanner),
    (Part("ironport"), Scanner),
    (Part("forcepoint"), Scanner),
    (Part("zscaler"), Scanner),
    (Part("vadesecure"), Scanner),
    (Part("hornetsecurity"), Scanner),
    (Part("virustotal"), Scanner),
    (Part("urlscan"), Scanner),
    (Part("phishtank"), Scanner),
    (Part("checkphish"), Scanner),
    (Part("google-safety"), Scanner),
    (Part("google-safebrowsing"), Scanner),
    (Part("scanner"), Scanner),
    (Part("slack-imgproxy"), Preview),
    (Part("slackbot"), Preview),
    (Part("twitterbot"), Preview),
    (Part("telegrambot"), Preview),
    (Part("discordbot"), Preview),
    (Part("linkedinbot"), Preview),
    (Part("facebookexternalhit"), Preview),
    (Part("facebookcatalog"), Preview),
    (Part("whatsapp/"), Preview),
    (Part("skypeuripreview"), Preview),
    (Part("microsoftpreview"), Preview),
    (Part("bingpreview"), Preview),
    (Part("iframely"), Preview),
    (Part("embedly"), Preview),
    (Part("mastodon/"), Preview),
    (Part("preview"), Preview),
    (Part("headlesschrome"), Library),
    (Part("phantomjs"), Library),
    (Part("curl/"), Library),
    (Part("wget/"), Library),
    (Part("python"), Library),
    (Part("aiohttp"), Library),
    (Part("httpx/"), Library),
    (Part("go-http-client"), Library),
    (Part("apache-httpclient"), Library),
    (Part("libwww-perl"), Library),
    (Part("lwp::"), Library),
    (Part("java/"), Library),
    (Part("java-http-client"), Library),
    (Part("axios/"), Library),
    (Part("node-fetch"), Library),
    (Part("undici"), Library),
    (Whole("node"), Library),
    (Part("got ("), Library),
    (Part("guzzlehttp"), Library),
    (Part("php/"), Library),
    (Whole("ruby"), Library),
    (Part("faraday"), Library),
    (Part("reqwest/"), Library),
    (Part("postmanruntime"), Library),
    (Part("insomnia/"), Library),
    (Part("powershell/"), Library),
    (Part("winhttp"), Library),
    (Ending("bot"), Crawler),
    (Part("googleother"), Crawler),
    (Part("apis-google"), Crawler),
    (Part("mediapartners-google"), Crawler),
    (Part("yahoo! slurp"), Crawler),
    (Part("crawler"), Crawler),
    (Ending("spider"), Crawler),
    (Part("ms-office"), MailProgram),
    (Part("microsoft outlook"), MailProgram),
    (Part("microsoft office"), MailProgram),
    (Part("thunderbird"), MailProgram),
    (Part("cfnetwork/"), MailProgram),
    (Part("okhttp/"), MailProgram),
    (Part("dalvik/"), MailProgram),
];

/// Phones of this make call themselves so, and people hold them.
const BOTS_IN_NAME_ALONE: &[&str] = &["cubot"];

/// The kind of program that a request comes from and the sign that tells it, where it cannot be a person who made
/// the request.
pub(super) fn machine(user_agent: &str, hit: HitKind) -> Option<(AgentKind, &'static str)> {
    let name = user_agent.trim().to_lowercase();
    let fits = |sign: &Sign| match sign {
        Whole(sign) => name == *sign,
        Part(sign) => name.contains(sign),
        Ending(sign) => has_word_ending(&name, sign),
    };
    let (Whole(sign) | Part(sign) | Ending(sign), kind) = AGENTS.iter().find(|(sign, _)| fits(sign))?;
    let person = hit == HitKind::Open && matches!(kind, ImageProxy | MailProgram);
    (!person).then_some((*kind, *sign))
}

fn has_word_ending(name: &str, ending: &str) -> bool {
    let mut words = name.split(|c: char| !c.is_ascii_alphabetic());
    words.any(|word| word.ends_with(ending) && !BOTS_IN_NAME_ALONE.contains(&word))
}
