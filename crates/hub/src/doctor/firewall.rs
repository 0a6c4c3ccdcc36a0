//! What firewalls say about a port: pure readers of the output of their own tools and of their files.
//!
//! Rules can be written in more ways than are understood here. A rule that is not understood makes the verdict
//! [`Verdict::Unknown`] at most, never [`Verdict::Open`].

/// What a firewall does with a connection from the network to a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Let in.
    Open,
    /// Kept out.
    Closed,
    /// The rules leave it open to doubt.
    Unknown,
}

/// `/etc/ufw/ufw.conf` says whether ufw is on.
pub(super) fn ufw_is_on(conf: &str) -> bool {
    assignment(conf, "ENABLED").is_some_and(|value| value.eq_ignore_ascii_case("yes"))
}

/// `/etc/default/ufw` has the policy, `/etc/ufw/user.rules` what was allowed and denied: each rule has a line
/// `### tuple ### allow tcp 1883 0.0.0.0/0 any 0.0.0.0/0 in` (ufw-framework(8)). The first that matches counts.
pub(super) fn ufw(defaults: &str, rules: &str, port: u16) -> Verdict {
    for tuple in rules.lines().filter_map(|line| line.strip_prefix("### tuple ###")) {
        let words: Vec<&str> = tuple.split_whitespace().collect();
        let [action, protocol, ports, _, _, source, direction, ..] = words[..] else { continue };
        if !(direction == "in" || direction.starts_with("in_"))
            || !matches!(protocol, "tcp" | "any")
            || !(ports == "any" || port_list(ports, port, ','))
        {
            continue;
        }
        return match action.split('_').next() {
            Some("allow" | "limit") if source == "0.0.0.0/0" && direction == "in" => Verdict::Open,
            // From a part of the network only, or over one interface: whether boards are there is not known.
            Some("allow" | "limit") => Verdict::Unknown,
            _ if source == "0.0.0.0/0" => Verdict::Closed,
            _ => Verdict::Unknown,
        };
    }
    match assignment(defaults, "DEFAULT_INPUT_POLICY") {
        Some("ACCEPT") => Verdict::Open,
        _ => Verdict::Closed,
    }
}

fn assignment<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.trim().split_once('=')?;
        (key.trim() == name).then(|| value.trim().trim_matches('"'))
    })
}

/// Whether a list of ports such as `22,1000:2000` has the port.
fn port_list(list: &str, port: u16, between: char) -> bool {
    list.split(between).any(|part| {
        let part = part.trim();
        match part.split_once([':', '-']) {
            Some((from, to)) => {
                let within = |from: u16, to: u16| (from..=to).contains(&port);
                matches!((from.trim().parse(), to.trim().parse()), (Ok(from), Ok(to)) if within(from, to))
            }
            None => part.parse() == Ok(port),
        }
    })
}

/// `iptables -S INPUT`: the policy, and the rules in order (iptables(8)).
pub(super) fn iptables(rules: &str, port: u16) -> Verdict {
    let mut policy = Verdict::Open;
    let mut doubt = false;
    for line in rules.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["-P", "INPUT", target] => {
                policy = if target == "ACCEPT" { Verdict::Open } else { Verdict::Closed }
            }
            ["-A", "INPUT", ref rule @ ..] => match iptables_rule(rule, port) {
                Some(Verdict::Unknown) => doubt = true,
                Some(verdict) => return if doubt { Verdict::Unknown } else { verdict },
                None => {}
            },
            _ => {}
        }
    }
    if doubt { Verdict::Unknown } else { policy }
}

/// What one rule does with a new TCP connection to the port; `None` when it is about others.
fn iptables_rule(rule: &[&str], port: u16) -> Option<Verdict> {
    let mut words = rule.iter();
    let mut target = None;
    let mut narrowed = false;
    while let Some(word) = words.next() {
        let mut value = || words.next().copied().unwrap_or_default();
        match *word {
            "-p" if !matches!(value(), "tcp" | "all") => return None,
            "-p" => {}
            "--dport" if !port_list(value(), port, ',') => return None,
            "--dports" if !port_list(value(), port, ',') => return None,
            "--dport" | "--dports" => {}
            "-i" if value() == "lo" => return None,
            "--ctstate" | "--state" if !value().contains("NEW") => return None,
            "--ctstate" | "--state" => {}
            "-m" => {
                narrowed |= !matches!(value(), "tcp" | "multiport" | "conntrack" | "state" | "comment");
            }
            "--comment" => skip_comment(&mut words),
            "-j" | "-g" => target = Some(value()),
            "--reject-with" => {
                value();
            }
            // From some, over one interface, or something else: not for all.
            _ => narrowed = true,
        }
    }
    match target {
        Some("ACCEPT") if !narrowed => Some(Verdict::Open),
        Some("DROP" | "REJECT") if !narrowed => Some(Verdict::Closed),
        Some("LOG" | "NFLOG") | None => None,
        // Another chain, or a rule for some.
        Some(_) => Some(Verdict::Unknown),
    }
}

/// `--comment "several words"`.
fn skip_comment(words: &mut std::slice::Iter<'_, &str>) {
    let Some(first) = words.next() else { return };
    if first.starts_with('"') && !(first.len() > 1 && first.ends_with('"')) {
        let _ = words.find(|word| word.ends_with('"'));
    }
}

/// `nft list ruleset` (nft(8)): every base chain at the input hook must let the connection in. With the verdict,
/// the chain that does not, such as `inet filter input`.
pub(super) fn nft(ruleset: &str, port: u16) -> (Verdict, Option<String>) {
    let mut found = (Verdict::Open, None);
    for (name, chain) in nft_input_chains(ruleset) {
        match nft_chain(&chain, port) {
            Verdict::Closed => return (Verdict::Closed, Some(name)),
            Verdict::Unknown => found = (Verdict::Unknown, Some(name)),
            Verdict::Open => {}
        }
    }
    found
}

/// Name and lines of each chain that has `hook input`, in tables that see IPv4.
fn nft_input_chains(ruleset: &str) -> Vec<(String, Vec<&str>)> {
    let mut chains = Vec::new();
    let mut table = "";
    let mut chain: Option<(&str, Vec<&str>)> = None;
    for line in ruleset.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("table ") {
            table = name.trim_end_matches('{').trim();
        } else if let Some(name) = line.strip_prefix("chain ") {
            chain = Some((name.trim_end_matches('{').trim(), Vec::new()));
        } else if line == "}" {
            let Some((name, lines)) = chain.take() else { continue };
            let sees_ipv4 = table.starts_with("inet ") || table.starts_with("ip ");
            if sees_ipv4 && lines.iter().any(|line| line.contains("hook input")) {
                chains.push((format!("{table} {name}"), lines));
            }
        } else if let Some((_, lines)) = &mut chain {
            lines.push(line);
        }
    }
    chains
}

fn nft_chain(lines: &[&str], port: u16) -> Verdict {
    let mut policy = Verdict::Open;
    let mut doubt = false;
    for line in lines {
        if line.contains("hook input") {
            if line.contains("policy drop") {
                policy = Verdict::Closed;
            }
            continue;
        }
        match nft_rule(line, port) {
            Some(Verdict::Unknown) => doubt = true,
            Some(verdict) => return if doubt { Verdict::Unknown } else { verdict },
            None => {}
        }
    }
    if doubt { Verdict::Unknown } else { policy }
}

/// What one rule does with a new TCP connection to the port; `None` when it is about others.
fn nft_rule(line: &str, port: u16) -> Option<Verdict> {
    let line = line.split(" comment \"").next().unwrap_or_default();
    let mut rest = line.trim();
    if rest.is_empty() || rest.starts_with('#') {
        return None;
    }
    if let Some(ports) = after(rest, "tcp dport ") {
        let (list, then) = match ports.strip_prefix('{') {
            Some(set) => set.split_once('}').unwrap_or((set, "")),
            None => ports.split_once(' ').unwrap_or((ports, "")),
        };
        if list.starts_with(['@', '!']) {
            return Some(Verdict::Unknown);
        }
        if !port_list(list, port, ',') {
            return None;
        }
        rest = if rest.starts_with("tcp dport ") { then.trim() } else { rest };
    } else if ["udp ", "icmp", "meta l4proto icmp", "ip protocol icmp", "ip6 ", "sctp "]
        .iter()
        .any(|other| rest.starts_with(other))
    {
        return None;
    }
    if rest.starts_with("iif \"lo\"") || rest.starts_with("iifname \"lo\"") || rest.starts_with("iif lo") {
        return None;
    }
    for states in ["ct state new ", "ct state { new } "] {
        rest = rest.strip_prefix(states).unwrap_or(rest);
    }
    if let Some(states) = rest.strip_prefix("ct state ")
        && !states.split(' ').next().is_some_and(|states| states.contains("new"))
        && !states.starts_with("vmap")
    {
        return None;
    }
    // Counting changes nothing.
    if let Some(counter) = rest.strip_prefix("counter") {
        let mut words = counter.split_whitespace().peekable();
        while words
            .next_if(|word| matches!(*word, "packets" | "bytes") || word.parse::<u64>().is_ok())
            .is_some()
        {}
        return nft_verdict(&words.collect::<Vec<_>>().join(" "));
    }
    nft_verdict(rest)
}

fn nft_verdict(statement: &str) -> Option<Verdict> {
    match statement {
        "accept" => Some(Verdict::Open),
        "drop" => Some(Verdict::Closed),
        "" => None,
        statement if statement == "reject" || statement.starts_with("reject with") => Some(Verdict::Closed),
        statement if statement.starts_with("log") && !statement.contains(['{']) => {
            match statement.rsplit(' ').next() {
                Some("accept" | "drop" | "reject") => Some(Verdict::Unknown),
                _ => None,
            }
        }
        _ => Some(Verdict::Unknown),
    }
}

fn after<'a>(text: &'a str, what: &str) -> Option<&'a str> {
    text.find(what).map(|at| &text[at + what.len()..])
}

/// The answer of `firewall-cmd --query-port` or `--query-service`.
pub(super) fn firewalld(query: &str) -> Verdict {
    match query.trim() {
        "yes" => Verdict::Open,
        "no" => Verdict::Closed,
        _ => Verdict::Unknown,
    }
}

/// `socketfilterfw --getglobalstate --getblockall --getappblocked PROGRAM` of macOS.
pub(super) fn socketfilterfw(said: &str) -> Verdict {
    let said = said.to_lowercase();
    if said.contains("state = 0") || said.contains("firewall is disabled") {
        Verdict::Open
    } else if said.lines().any(|line| line.contains("block all") && line.contains("enabled"))
        || said.contains("are blocked")
    {
        Verdict::Closed
    } else if said.contains("are permitted") {
        Verdict::Open
    } else {
        Verdict::Unknown
    }
}

/// `netsh advfirewall show currentprofile state` and `… firewall show rule name="Hearth MQTT"` of Windows. The
/// words are in the system's language, so only what is certain is believed.
pub(super) fn netsh(state: &str, rule_found: bool) -> Verdict {
    let off = state.split_whitespace().any(|word| matches!(word, "OFF" | "AUS" | "INACTIF" | "DESACTIVAR"));
    match (off, rule_found) {
        (true, _) | (_, true) => Verdict::Open,
        _ if state.split_whitespace().any(|word| matches!(word, "ON" | "EIN" | "ACTIF" | "ACTIVAR")) => {
            Verdict::Closed
        }
        _ => Verdict::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Closed, Open, Unknown};
    use super::*;

    #[test]
    fn ufw_is_read_from_its_files() {
        fn check(tuples: &[&str], expected: Verdict) {
            let rules: String =
                std::iter::once("*filter\n:ufw-user-input - [0:0]\n### RULES ###\n".to_owned())
                    .chain(
                        tuples
                            .iter()
                            .map(|tuple| format!("\n### tuple ### {tuple}\n-A ufw-user-input -j X\n")),
                    )
                    .collect();
            assert_eq!(
                ufw("IPV6=yes\nDEFAULT_INPUT_POLICY=\"DROP\"\n", &rules, 1883),
                expected,
                "{tuples:?}"
            );
        }
        check(&[], Closed);
        check(&["allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in"], Closed);
        check(
            &["allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in", "allow tcp 1883 0.0.0.0/0 any 0.0.0.0/0 in"],
            Open,
        );
        check(&["allow any 1883 0.0.0.0/0 any 0.0.0.0/0 in"], Open);
        check(&["allow tcp 1000:2000 0.0.0.0/0 any 0.0.0.0/0 in"], Open);
        check(&["limit tcp 22,1883 0.0.0.0/0 any 0.0.0.0/0 in"], Open);
        check(&["allow udp 1883 0.0.0.0/0 any 0.0.0.0/0 in"], Closed);
        check(&["allow tcp 1883 0.0.0.0/0 any 0.0.0.0/0 out"], Closed);
        check(&["allow tcp 1883 0.0.0.0/0 any 192.168.1.0/24 in"], Unknown);
        check(&["allow tcp 1883 0.0.0.0/0 any 0.0.0.0/0 in_eth0"], Unknown);
        check(
            &["deny tcp 1883 0.0.0.0/0 any 0.0.0.0/0 in", "allow any any 0.0.0.0/0 any 0.0.0.0/0 in"],
            Closed,
        );
        check(&["allow"], Closed);
        assert_eq!(ufw("DEFAULT_INPUT_POLICY=\"ACCEPT\"", "", 1883), Open);
        assert!(ufw_is_on("# comment\nENABLED=yes\nLOGLEVEL=low\n"));
        assert!(!ufw_is_on("ENABLED=no\n") && !ufw_is_on(""));
    }

    #[test]
    fn iptables_rules_are_read_in_order() {
        fn check(rules: &[&str], expected: Verdict) {
            assert_eq!(iptables(&rules.join("\n"), 1883), expected, "{rules:?}");
        }
        const ESTABLISHED: &str = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";
        check(&["-P INPUT ACCEPT"], Open);
        check(&["-P INPUT DROP", ESTABLISHED, "-A INPUT -i lo -j ACCEPT"], Closed);
        check(&["-P INPUT DROP", ESTABLISHED, "-A INPUT -p tcp -m tcp --dport 1883 -j ACCEPT"], Open);
        check(&["-P INPUT DROP", "-A INPUT -p tcp -m multiport --dports 22,1883,8883 -j ACCEPT"], Open);
        check(&["-P INPUT DROP", "-A INPUT -p tcp -m tcp --dport 1880:1890 -j ACCEPT"], Open);
        check(&["-P INPUT DROP", "-A INPUT -p udp -m udp --dport 1883 -j ACCEPT"], Closed);
        check(
            &[
                "-P INPUT DROP",
                "-A INPUT -p tcp -m state --state NEW -m tcp --dport 1883 -m comment --comment \"for the boards\" -j ACCEPT",
            ],
            Open,
        );
        check(
            &["-P INPUT ACCEPT", ESTABLISHED, "-A INPUT -j REJECT --reject-with icmp-host-prohibited"],
            Closed,
        );
        check(&["-P INPUT ACCEPT", "-A INPUT -p tcp -m tcp --dport 1883 -j DROP"], Closed);
        check(&["-P INPUT DROP", "-A INPUT -s 192.168.1.0/24 -p tcp -m tcp --dport 1883 -j ACCEPT"], Unknown);
        check(&["-P INPUT DROP", "-A INPUT -j ufw-before-input"], Unknown);
        check(&["-P INPUT ACCEPT", "-A INPUT -p tcp -j LOG"], Open);
        check(&["nonsense", "-A INPUT"], Open);
    }

    #[test]
    fn nft_rules_are_read_chain_by_chain() {
        fn check(rules: &[&str], expected: Verdict) {
            let ruleset = format!(
                "table inet filter {{\n\tset known {{\n\t\ttype inet_service\n\t}}\n\n\tchain input {{\n\t\t{}\n\t}}\n\n\
                 \tchain forward {{\n\t\ttype filter hook forward priority filter; policy drop;\n\t}}\n}}\n",
                rules.join("\n\t\t")
            );
            let (verdict, chain) = nft(&ruleset, 1883);
            assert_eq!(verdict, expected, "{rules:?}");
            assert_eq!(chain.as_deref(), (verdict != Open).then_some("inet filter input"));
        }
        const DROP: &str = "type filter hook input priority filter; policy drop;";
        const ACCEPT: &str = "type filter hook input priority filter; policy accept;";
        check(&[ACCEPT], Open);
        check(&[DROP], Closed);
        check(
            &[DROP, "ct state established,related accept", "iif \"lo\" accept", "tcp dport 22 accept"],
            Closed,
        );
        check(&[DROP, "ct state established,related accept", "tcp dport 1883 accept"], Open);
        check(&[DROP, "tcp dport { 22, 1883, 8883 } accept"], Open);
        check(&[DROP, "tcp dport 1000-2000 counter packets 3 bytes 180 accept"], Open);
        check(&[DROP, "tcp dport 1883 ct state new accept comment \"MQTT\""], Open);
        check(&[DROP, "udp dport 1883 accept"], Closed);
        check(&[DROP, "ip saddr 192.168.1.0/24 tcp dport 1883 accept"], Unknown);
        check(&[DROP, "tcp dport @known accept"], Unknown);
        check(&[DROP, "jump ufw-before-input"], Unknown);
        check(&[ACCEPT, "tcp dport 1883 drop"], Closed);
        check(&[ACCEPT, "tcp dport 1883 reject with tcp reset"], Closed);
        check(&[ACCEPT, "tcp dport 22 accept", "counter packets 0 bytes 0 drop"], Closed);
        check(&[ACCEPT, "reject with icmpx admin-prohibited"], Closed);
        assert_eq!(nft("", 1883).0, Open);
        let ipv6 = "table ip6 f {\n chain i {\n  type filter hook input priority 0; policy drop;\n }\n}";
        assert_eq!(nft(ipv6, 1883).0, Open);
    }

    #[test]
    fn the_others_answer_in_words() {
        assert_eq!([firewalld("yes\n"), firewalld("no\n"), firewalld("")], [Open, Closed, Unknown]);
        let mac = |state: &str, all: &str, app: &str| socketfilterfw(&format!("{state}\n{all}\n{app}\n"));
        let (on, few) = ("Firewall is enabled. (State = 1)", "Block all DISABLED!");
        let permitted = "Incoming connections to the application are permitted";
        assert_eq!(mac("Firewall is disabled. (State = 0)", few, ""), Open);
        assert_eq!(mac(on, few, permitted), Open);
        assert_eq!(mac(on, few, "Incoming connections to the application are blocked"), Closed);
        assert_eq!(mac("Firewall is enabled. (State = 2)", "Block all ENABLED!", permitted), Closed);
        assert_eq!(mac(on, few, "The application is not part of the firewall"), Unknown);
        let windows = "Private Profile Settings:\n----\nState                                 ON\nOk.";
        assert_eq!([netsh(windows, false), netsh(windows, true)], [Closed, Open]);
        assert_eq!([netsh(&windows.replace("ON", "OFF"), false), netsh("???", false)], [Open, Unknown]);
    }
}
