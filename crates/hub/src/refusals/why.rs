//! The rule that said no, in words, and the smallest one that would have said yes.

use model::{Permissions, TopicFilter};

use crate::api::types::{Proposal, RefusalKind};
use crate::credential::is_masked;

/// Rules named in a sentence; of more only the number is told.
const RULES_NAMED_MAX: usize = 4;

/// What is told of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) why: String,
    pub(super) advice: String,
    pub(super) proposal: Option<Proposal>,
    /// It is allowed now.
    pub(super) settled: bool,
}

/// Words and rule for something `user` was denied as `client_id`. `topic`: topic or filter, `None` for many that
/// were not told one by one. `rules`: what the credential may do and whether it learns, `None` when there is no
/// such credential.
pub(super) fn told(
    kind: RefusalKind,
    user: &str,
    client_id: &str,
    topic: Option<&str>,
    rules: Option<(&Permissions, bool)>,
) -> Told {
    let none = |why: String, advice: String| Told { why, advice, proposal: None, settled: false };
    let Some((permissions, learning)) = rules else {
        return none(
            format!("there is no credential called `{user}` any more"),
            "Make one on the Broker page, and give its password to the device.".to_owned(),
        );
    };
    let Some(topic) = topic else {
        return none(
            "it tried other topics, too, more than can be told one by one".to_owned(),
            format!(
                "Switch the learning mode of `{user}` on, let the device do everything it does once, and take over \
                 the rules that are proposed then."
            ),
        );
    };
    let ask = Ask::new(kind, topic);
    let effective = if learning { permissions.while_learning() } else { permissions.clone() };
    if ask.is_allowed(&effective.for_client(user, client_id)) {
        let why = format!("no rule of `{user}` allowed it then; one does now");
        let advice = match kind {
            // It was let in, and does not ask again by itself.
            RefusalKind::Subscribe => "It must subscribe again: press Kick, or restart it.",
            RefusalKind::Will => "It must connect again to have its last will: press Kick, or restart it.",
            _ => "Nothing is left to do; a device that gave up tries again when it is restarted.",
        }
        .to_owned();
        return Told { settled: true, ..none(why, advice) };
    }
    if ask.write && topic.starts_with('$') {
        return none(
            format!("topics that start with `$`, such as `{topic}`, are the broker's own"),
            "Let the device use another topic.".to_owned(),
        );
    }
    let own = if ask.write { &permissions.write } else { &permissions.read };
    let why = ask.why(user, client_id, own);
    let Some(filter) = general(ask.filter, user, client_id).filter(|_| ask.fits(user, client_id)) else {
        return none(why, "Let the device use a shorter topic with plain characters.".to_owned());
    };
    let verb = if ask.write { "write" } else { "read" };
    let mut advice = format!("If it should, allow `{user}` to {verb} `{filter}`.");
    if filter.starts_with(['#', '+']) {
        advice = format!(
            "`{filter}` asks for what every device in the house says. Allow `{user}` to {verb} it only if you trust \
             it that far; else let it subscribe to less."
        );
    } else if let Some(rule) = own.iter().find(|rule| ask.is_another_clients(rule, user)) {
        advice = format!(
            "In the rule `{rule}`, `%c` stands for the client id, which is `{client_id}` here. Use the same name in \
             the topic and as the client id of the device, or allow `{user}` to {verb} `{filter}` as well."
        );
    }
    Told {
        why,
        advice,
        proposal: Some(Proposal { name: user.to_owned(), write: ask.write, filter }),
        settled: false,
    }
}

/// What was asked for.
struct Ask<'a> {
    write: bool,
    subscribe: bool,
    topic: &'a str,
    /// Without `$share`.
    filter: &'a str,
}

impl<'a> Ask<'a> {
    fn new(kind: RefusalKind, topic: &'a str) -> Self {
        let shared = topic.strip_prefix("$share/").and_then(|rest| rest.split_once('/'));
        let subscribe = kind == RefusalKind::Subscribe;
        let filter = shared.filter(|_| subscribe).map_or(topic, |(_, filter)| filter);
        Self { write: matches!(kind, RefusalKind::Publish | RefusalKind::Will), subscribe, topic, filter }
    }

    fn is_allowed(&self, filled: &Permissions) -> bool {
        if self.write {
            filled.may_write(self.topic)
        } else if self.subscribe {
            TopicFilter::new(self.filter).is_ok_and(|filter| filled.may_subscribe(&filter))
        } else {
            filled.may_read(self.topic)
        }
    }

    /// Whether the proposed rule would allow it: not for a topic that was cut or has a secret in it, or with a literal placeholder.
    fn fits(&self, user: &str, client_id: &str) -> bool {
        let rule = general(self.filter, user, client_id).and_then(|text| TopicFilter::new(&text).ok());
        let only = rule.into_iter().collect::<Vec<_>>();
        let cut = self.filter.len() > broker::watch::TOLD_TOPIC_BYTES_MAX || is_masked(self.filter);
        let rules = Permissions { write: only.clone(), read: only };
        !cut && self.is_allowed(&rules.for_client(user, client_id))
    }

    /// Whether the rule would allow it to a client of another id.
    fn is_another_clients(&self, rule: &TopicFilter, user: &str) -> bool {
        let text = rule.as_str();
        if !text.split('/').any(|level| level == "%c") {
            return false;
        }
        let wide: Vec<_> = text
            .split('/')
            .map(|level| match level {
                "%c" => "+",
                "%u" => user,
                level => level,
            })
            .collect();
        TopicFilter::new(&wide.join("/")).is_ok_and(|wide| wide.matches(self.filter))
    }

    fn why(&self, user: &str, client_id: &str, own: &[TopicFilter]) -> String {
        let verb = if self.write { "write" } else { "read" };
        if own.is_empty() {
            return format!("`{user}` has no rule that lets it {verb} anything");
        }
        let named: Vec<_> = own.iter().take(RULES_NAMED_MAX).map(|rule| format!("`{rule}`")).collect();
        let rules = match own.len() - named.len() {
            0 => named.join(", "),
            more => format!("{} and {more} more", named.join(", ")),
        };
        let topic = self.topic;
        let within = TopicFilter::new(self.filter).is_ok_and(|wide| {
            let filled = Permissions { write: Vec::new(), read: own.to_vec() }.for_client(user, client_id);
            self.subscribe && filled.read.iter().any(|rule| wide.covers(rule))
        });
        let void = own.iter().find(|rule| {
            rule.as_str().contains("%c") && (client_id.is_empty() || client_id.contains(['+', '#', '/']))
        });
        let but = match void {
            Some(rule) => format!(
                "`{rule}` does not hold for the client id `{client_id}`, because of the `/`, `+` or `#` in it"
            ),
            None if within => format!("a subscription to `{topic}` asks for more than that"),
            None if self.subscribe => format!("`{topic}` is within none of it"),
            None => format!("`{topic}` matches none of it"),
        };
        format!("`{user}` may {verb} {rules} and nothing else; {but}")
    }
}

/// A topic or filter with `%u` and `%c` for the levels that are the user or the client id. The user goes first: it
/// was proved with a password. `None` when the rule would not mean the topic.
pub fn general(topic: &str, user: &str, client_id: &str) -> Option<String> {
    let plain = |name: &str| !name.is_empty() && !name.contains(['+', '#', '/']);
    if topic.contains("%u") || topic.contains("%c") {
        return None;
    }
    let levels: Vec<_> = topic
        .split('/')
        .map(|level| match level {
            level if level == user && plain(user) => "%u",
            level if level == client_id && plain(client_id) => "%c",
            level => level,
        })
        .collect();
    let filter = levels.join("/");
    TopicFilter::new(&filter).is_ok().then_some(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permissions(write: &[&str], read: &[&str]) -> Permissions {
        let filters = |texts: &[&str]| texts.iter().map(|text| TopicFilter::new(text).unwrap()).collect();
        Permissions { write: filters(write), read: filters(read) }
    }

    fn of(kind: RefusalKind, client: &str, topic: &str, rules: &Permissions) -> Told {
        told(kind, "plug", client, Some(topic), Some((rules, false)))
    }

    #[test]
    fn the_smallest_rule_is_proposed() {
        fn check(kind: RefusalKind, client: &str, topic: &str, expected: Option<&str>) {
            let none = Permissions::default();
            let proposal = of(kind, client, topic, &none).proposal;
            assert_eq!(proposal.as_ref().map(|p| p.filter.as_str()), expected, "{topic} as {client}");
            if let Some(Proposal { filter, write, .. }) = proposal {
                let rules = if write { permissions(&[&filter], &[]) } else { permissions(&[], &[&filter]) };
                assert!(Ask::new(kind, topic).is_allowed(&rules.for_client("plug", client)), "{filter}");
            }
        }
        use RefusalKind::{Publish, Receive, Subscribe};
        check(Publish, "x", "tele/plug/STATE", Some("tele/%u/STATE"));
        check(Publish, "ESP-1", "tele/ESP-1/STATE", Some("tele/%c/STATE"));
        check(Publish, "plug", "tele/plug/STATE", Some("tele/%u/STATE"));
        check(Publish, "x", "tele/plugin/STATE", Some("tele/plugin/STATE"));
        check(Publish, "a/b", "a/b/c", Some("a/b/c"));
        check(Publish, "x", "$SYS/broker", None);
        check(Publish, "x", "a/%c", None);
        check(Publish, "x", &"t".repeat(2_000), None);
        check(Publish, "x", "a/…(24 characters)", None);
        check(Subscribe, "x", "cmnd/plug/#", Some("cmnd/%u/#"));
        check(Subscribe, "x", "$share/g/cmnd/#", Some("cmnd/#"));
        check(Subscribe, "+", "a/+", Some("a/+"));
        check(Subscribe, "x", "#", Some("#"));
        check(Subscribe, "x", "$SYS/#", Some("$SYS/#"));
        check(Receive, "x", "cmnd/plug/POWER", Some("cmnd/%u/POWER"));
    }

    #[test]
    fn the_rule_that_said_no_is_named() {
        fn check(kind: RefusalKind, client: &str, topic: &str, rules: &Permissions, expected: &str) {
            assert_eq!(of(kind, client, topic, rules).why, expected);
        }
        use RefusalKind::{Publish, Subscribe};
        let rules = permissions(&["tele/%c/#"], &["cmnd/plug/+"]);
        check(
            Publish,
            "plug",
            "stat/plug/x",
            &rules,
            "`plug` may write `tele/%c/#` and nothing else; `stat/plug/x` matches none of it",
        );
        check(
            Subscribe,
            "plug",
            "cmnd/#",
            &rules,
            "`plug` may read `cmnd/plug/+` and nothing else; a subscription to `cmnd/#` asks for more than that",
        );
        check(
            Publish,
            "a/b",
            "tele/a/b",
            &rules,
            "`plug` may write `tele/%c/#` and nothing else; `tele/%c/#` does not hold for the client id `a/b`, \
             because of the `/`, `+` or `#` in it",
        );
        check(Publish, "x", "a", &permissions(&[], &["a"]), "`plug` has no rule that lets it write anything");
        let many = permissions(&["a", "b", "c", "d", "e", "f"], &[]);
        check(
            Publish,
            "x",
            "g",
            &many,
            "`plug` may write `a`, `b`, `c`, `d` and 2 more and nothing else; `g` matches none of it",
        );
    }

    #[test]
    fn advice_says_when_a_rule_is_dangerous_or_the_client_id_is_meant() {
        let rules = permissions(&["tele/%c/#"], &[]);
        let all = of(RefusalKind::Subscribe, "x", "#", &rules);
        assert!(all.advice.contains("what every device in the house says"), "{}", all.advice);
        let other = of(RefusalKind::Publish, "ESP-1", "tele/lamp/STATE", &rules);
        assert!(
            other.advice.contains("`%c` stands for the client id, which is `ESP-1` here"),
            "{}",
            other.advice
        );
        let again = |kind| {
            let told = told(kind, "plug", "x", Some("tele/x/STATE"), Some((&Permissions::all(), false)));
            (told.settled, told.advice)
        };
        for kind in [RefusalKind::Subscribe, RefusalKind::Will] {
            let (settled, advice) = again(kind);
            assert!(
                settled && advice.contains("again") && advice.ends_with("press Kick, or restart it."),
                "{advice}"
            );
        }
        assert!(again(RefusalKind::Publish).1.starts_with("Nothing is left to do"));
        let since = of(RefusalKind::Publish, "x", "tele/x/STATE", &rules);
        assert_eq!(since.proposal, None);
        assert!(since.why.ends_with("one does now"), "{}", since.why);
    }
}
