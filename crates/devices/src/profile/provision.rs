//! How a board is brought to the hub: the `[[provision]]` blocks, checked, and rendered into the steps of one
//! pairing. A rendered step carries a secret, so nothing here shows one when it is printed.

use std::fmt;

use minijinja::Value as Known;
use serde::Deserialize;
use serde_json::Value as Json;

use super::check::{Fault, expression, text};
use super::{Handover, Profile, ProfileError, Snippet};
use crate::template;

/// Most steps of one block.
const STEPS_MAX: usize = 32;
/// Wait for the first login when the profile does not say, s.
const LOGIN_S: u32 = 120;
/// Longest wait a profile may ask for, s.
const WAIT_S_MAX: u32 = 600;

/// A way to bring a device to the hub.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Provision {
    pub(super) transport: Transport,
    title: Option<String>,
    language: Option<String>,
    /// Template of a text to paste, over `host`, `port`, `user`, `password` and `topic`.
    text: Option<String>,
    /// How to tell that a board speaks this way, and which it is.
    detect: Option<Detect>,
    /// How a board asks for its own password.
    auth: Option<Auth>,
    /// Who logs in at the board, if it asks.
    auth_user: Option<String>,
    /// TCP port of a terminal.
    port: Option<u16>,
    #[serde(default)]
    steps: Vec<StepBlock>,
    /// Steps that change where the broker is, and nothing else: for boards that keep their user and password.
    #[serde(default)]
    moved: Vec<StepBlock>,
    /// Expression over a JSON answer: the board wants its password.
    denied: Option<String>,
    /// Characters a secret may have.
    pub(super) secret_charset: Option<String>,
}

/// What carries the settings to a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// HTTP requests to the board.
    Http,
    /// JSON-RPC over HTTP.
    Rpc,
    /// Lines on a serial console.
    Serial,
    /// Lines on a console behind a TCP port.
    Terminal,
    /// Messages to a board that is connected.
    Mqtt,
    /// A person, by copy and paste.
    Manual,
}

/// How a board asks for its own password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// HTTP Basic (RFC 7617).
    Basic,
    /// HTTP Digest with SHA-256 (RFC 7616).
    Digest,
}

#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Detect {
    get: String,
    /// Expression over the members of the JSON answer: true when it is this firmware.
    json: String,
    /// Expression: true when the board wants a password before it tells or takes anything.
    locked: Option<String>,
    name: Option<String>,
    model: Option<String>,
    mac: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct StepBlock {
    /// What the step brings to the board, in words without a secret.
    say: Option<String>,
    get: Option<String>,
    post: Option<String>,
    put: Option<String>,
    body: Option<String>,
    rpc: Option<String>,
    params: Option<String>,
    line: Option<String>,
    publish: Option<String>,
    payload: Option<String>,
    /// HTTP status; any 2xx if not said.
    expect: Option<u16>,
    /// Expression over a JSON answer that has to be true.
    json: Option<String>,
    /// Text that has to be in the answer of a console.
    answer: Option<String>,
    /// The board restarts with this step and may not get round to an answer.
    #[serde(default)]
    reboot: bool,
    /// Expression over the variables: only where it is true.
    when: Option<String>,
    /// Waits until the board answers again, at most so many seconds.
    wait_reappear: Option<u32>,
    /// Waits for the board's first login, at most so many seconds; the last step.
    wait_client: Option<u32>,
}

/// The HTTP method of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum Method {
    Get,
    Post,
    Put,
}

/// One step, filled in.
#[derive(Clone, PartialEq, Eq)]
pub enum Step {
    /// A request.
    Http {
        /// Its method.
        method: Method,
        /// Path and query.
        path: String,
        /// Body, JSON.
        body: Option<String>,
        /// Status that means success; any 2xx if none.
        status: Option<u16>,
        /// Expression over a JSON answer that has to be true.
        json: Option<String>,
        /// The board may vanish before it answers.
        reboot: bool,
    },
    /// A line on a console.
    Line {
        /// The line without its end.
        text: String,
        /// What has to be in the answer.
        answer: Option<String>,
        /// The board may vanish before it answers.
        reboot: bool,
    },
    /// A message.
    Publish {
        /// Topic.
        topic: String,
        /// Payload.
        payload: String,
    },
    /// Waits until the board answers again.
    Reappear {
        /// At most so many seconds.
        seconds: u32,
    },
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { method, path, .. } => {
                write!(f, "Http({method:?} {})", path.split('?').next().unwrap_or_default())
            }
            Self::Line { .. } => f.write_str("Line"),
            Self::Publish { topic, .. } => write!(f, "Publish({topic})"),
            Self::Reappear { seconds } => write!(f, "Reappear({seconds} s)"),
        }
    }
}

/// A network a board should join.
#[derive(Clone, PartialEq, Eq)]
pub struct Wifi {
    /// Its name.
    pub ssid: String,
    /// Its password.
    pub password: String,
}

impl fmt::Debug for Wifi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wifi({})", self.ssid)
    }
}

/// All that steps are filled with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the broker is, and how the board logs in there.
    pub handover: Handover,
    /// Password of the board itself, if it has one.
    pub board_password: Option<Secret>,
    /// The network it should join, for boards that are in none yet.
    pub wifi: Option<Wifi>,
}

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The steps of one board.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What carries them.
    pub transport: Transport,
    /// How the board asks for its password.
    pub auth: Option<Auth>,
    /// Who logs in at the board.
    pub auth_user: String,
    /// TCP port of a terminal, if the profile says one.
    pub port: Option<u16>,
    /// The steps, each with what it brings to the board, in words.
    pub steps: Vec<(Step, String)>,
    /// Expression over a JSON answer: the board wants its password.
    pub denied: Option<String>,
    /// Longest wait for the first login, ms.
    pub login_ms: i64,
}

/// What a board says it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recognised {
    /// It wants a password before it takes anything.
    pub locked: bool,
    /// Its name.
    pub name: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// Its MAC address, 12 upper-case hex digits.
    pub mac: Option<String>,
}

impl Settings {
    fn known(&self) -> Known {
        let Handover { host, port, user, password, topic } = &self.handover;
        let board_password = self.board_password.as_ref().map(|secret| secret.0.as_str());
        let (ssid, wifi_password) =
            self.wifi.as_ref().map(|wifi| (wifi.ssid.as_str(), wifi.password.as_str())).unzip();
        minijinja::context! { host, port, user, password, topic, board_password, ssid, wifi_password }
    }
}

impl Profile {
    /// Characters a secret of this firmware may have, such as `A-Za-z0-9`, if it is particular about them.
    pub fn secret_charset(&self) -> Option<&str> {
        self.file.provision.iter().find_map(|provision| provision.secret_charset.as_deref())
    }

    /// Texts that bring a device with this firmware to the hub.
    pub fn snippets(&self, handover: &Handover) -> Result<Vec<Snippet>, ProfileError> {
        let known = Settings { handover: handover.clone(), board_password: None, wifi: None }.known();
        let texts =
            self.file.provision.iter().filter_map(|provision| Some((provision, provision.text.as_deref()?)));
        texts
            .map(|(provision, source)| {
                let text = template::render_once(source, known.clone())
                    .map_err(|why| self.error(format!("the text of a [[provision]]: {why}.")))?;
                Ok(Snippet {
                    title: provision.title.clone().unwrap_or_else(|| self.name().to_owned()),
                    language: provision.language.clone().unwrap_or_else(|| "text".to_owned()),
                    text,
                })
            })
            .collect()
    }

    /// Whether there is a text that brings a device with this firmware to the hub.
    pub fn has_snippet(&self) -> bool {
        self.file.provision.iter().any(|provision| provision.text.is_some())
    }

    /// What can carry settings to a board with this firmware.
    pub fn transports(&self) -> impl Iterator<Item = Transport> {
        let with_steps = self.file.provision.iter().filter(|provision| !provision.steps.is_empty());
        with_steps.map(|provision| provision.transport)
    }

    /// What can tell a board where the broker is now, without its user and password.
    pub fn moved_transports(&self) -> impl Iterator<Item = Transport> {
        let with_steps = self.file.provision.iter().filter(|provision| !provision.moved.is_empty());
        with_steps.map(|provision| provision.transport)
    }

    /// Whether the settings this transport carries always name a network, so that the board needs one with them.
    pub fn needs_wifi(&self, transport: Transport) -> bool {
        let blocks = self.file.provision.iter().filter(|block| block.transport == transport);
        blocks.flat_map(|block| &block.steps).any(|step| step.when.is_none() && step.mentions("ssid"))
    }

    /// The steps that hand the settings over; `None` when this firmware does not take them that way.
    pub fn plan(&self, transport: Transport, settings: &Settings) -> Result<Option<Plan>, ProfileError> {
        self.plan_of(transport, |provision| &provision.steps, settings)
    }

    /// The steps that tell a board where the broker is now.
    pub fn moved_plan(
        &self,
        transport: Transport,
        settings: &Settings,
    ) -> Result<Option<Plan>, ProfileError> {
        self.plan_of(transport, |provision| &provision.moved, settings)
    }

    fn plan_of(
        &self,
        transport: Transport,
        steps_of: impl Fn(&Provision) -> &Vec<StepBlock>,
        settings: &Settings,
    ) -> Result<Option<Plan>, ProfileError> {
        let block = self
            .file
            .provision
            .iter()
            .find(|block| block.transport == transport && !steps_of(block).is_empty());
        let Some(block) = block else { return Ok(None) };
        let known = settings.known();
        let mut plan = Plan {
            transport,
            auth: block.auth,
            auth_user: block.auth_user.clone().unwrap_or_else(|| "admin".to_owned()),
            port: block.port,
            steps: Vec::new(),
            denied: block.denied.clone(),
            login_ms: i64::from(LOGIN_S) * 1_000,
        };
        for step in steps_of(block) {
            if let Some(seconds) = step.wait_client {
                plan.login_ms = i64::from(seconds) * 1_000;
                continue;
            }
            // Only the failure of a template is told, never what it was filled with.
            let fail = |why: template::TemplateError| {
                self.error(format!("a step of the [[provision]] over {transport:?}: {why}."))
            };
            if let Some(when) = &step.when
                && !template::evaluate(when, known.clone()).map_err(fail)?.is_true()
            {
                continue;
            }
            let fill = |source: &str| template::render_once(source, known.clone()).map_err(fail);
            if let Some(filled) = step.filled(fill)? {
                plan.steps.push((filled, step.say.clone().unwrap_or_default()));
            }
        }
        Ok(Some(plan))
    }

    /// Where to ask a board over HTTP what it is.
    pub fn probes(&self) -> impl Iterator<Item = &str> {
        self.file.provision.iter().filter_map(|block| Some(block.detect.as_ref()?.get.as_str()))
    }

    /// What a board says it is, if what it answered at `probe` fits this firmware.
    pub fn recognise(&self, probe: &str, answer: &Json) -> Option<Recognised> {
        let known = template::from_json(answer);
        let block = self.file.provision.iter().find(|block| {
            block.detect.as_ref().is_some_and(|detect| {
                detect.get == probe && (is_true(&detect.json, &known) || block.is_denied(&known))
            })
        })?;
        let detect = block.detect.as_ref()?;
        let text = |expression: &Option<String>| {
            let value = template::evaluate(expression.as_deref()?, known.clone()).ok()?;
            let text: String = value.as_str()?.trim().chars().take(crate::limits::NAME_CHARS_MAX).collect();
            Some(text).filter(|text| !text.is_empty())
        };
        Some(Recognised {
            locked: block.is_denied(&known) || detect.locked.as_deref().is_some_and(|it| is_true(it, &known)),
            name: text(&detect.name),
            model: text(&detect.model),
            mac: text(&detect.mac).and_then(|mac| crate::ha::mac(&mac)),
        })
    }

    /// Whether a client is one of this firmware, by its client id or else by the topic of its last will.
    pub fn knows_client(&self, client_id: &str, will_topic: Option<&str>) -> bool {
        let ids = self.file.identify.iter().filter_map(|identify| identify.client_id.as_deref());
        let mut ids = ids.filter_map(|pattern| regex::Regex::new(pattern).ok());
        ids.any(|pattern| pattern.is_match(client_id))
            || will_topic.is_some_and(|topic| self.will_captures(topic).is_some())
    }

    /// Whether every board of this firmware logs in like this before anybody told it otherwise.
    pub fn is_factory_login(&self, user: &str, password: &[u8]) -> bool {
        let mut logins = self.file.firmware.factory_logins.iter();
        logins.any(|login| login.user == user && login.password.as_bytes() == password)
    }

    /// The topic a client of this firmware uses, by the topic of its last will.
    pub fn topic_of_will(&self, will_topic: &str) -> Option<String> {
        self.will_captures(will_topic)?.remove("topic")
    }

    fn will_captures(&self, topic: &str) -> Option<std::collections::BTreeMap<String, String>> {
        let wills = self.file.identify.iter().filter_map(|identify| identify.will.as_deref());
        wills.filter_map(|will| super::Pattern::parse(will).ok()).find_map(|will| will.captures(topic))
    }

    /// The mDNS services by which it is found: the type, such as `_wled._tcp`, and a text record it has to have.
    pub fn mdns_services(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let identify = self.file.identify.iter();
        identify.filter_map(|identify| Some((identify.mdns.as_deref()?, identify.mdns_txt.as_deref())))
    }
}

/// Whether an answer of a board is what a step or a block expects.
pub fn holds(expression: &str, answer: &Json) -> bool {
    is_true(expression, &template::from_json(answer))
}

fn is_true(expression: &str, known: &Known) -> bool {
    template::evaluate(expression, known.clone()).is_ok_and(|value| value.is_true())
}

impl Provision {
    fn is_denied(&self, known: &Known) -> bool {
        self.denied.as_deref().is_some_and(|denied| is_true(denied, known))
    }

    /// Checks it as a whole.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let fault = |why: String| Err(("[[provision]]".to_owned(), why));
        let way = self.transport;
        if self.text.is_none() && self.steps.is_empty() && self.detect.is_none() && self.moved.is_empty() {
            return fault(format!("a [[provision]] over {way:?} says nothing. Give it a text or steps."));
        }
        if self.steps.len().max(self.moved.len()) > STEPS_MAX {
            return fault(format!("a [[provision]] has at most {STEPS_MAX} steps."));
        }
        self.text.iter().try_for_each(|source| text(source))?;
        self.denied.iter().try_for_each(|source| expression(source))?;
        if let Some(detect) = &self.detect {
            let optional = [&detect.locked, &detect.name, &detect.model, &detect.mac];
            expression(&detect.json)?;
            optional.into_iter().flatten().try_for_each(|source| expression(source))?;
            if !detect.get.starts_with('/') {
                return Err((detect.get.clone(), "a path begins with a slash.".to_owned()));
            }
        }
        for steps in [&self.steps, &self.moved] {
            for (at, step) in steps.iter().enumerate() {
                step.check(way, at + 1 == steps.len())?;
            }
        }
        Ok(())
    }
}

impl StepBlock {
    /// Whether what is sent is filled with this variable.
    fn mentions(&self, variable: &str) -> bool {
        let sent = [&self.get, &self.post, &self.put, &self.body, &self.params, &self.line, &self.payload];
        sent.into_iter().flatten().any(|source| source.contains(variable))
    }

    fn request(&self) -> Option<(Method, &str)> {
        let methods = [(Method::Get, &self.get), (Method::Post, &self.post), (Method::Put, &self.put)];
        methods.into_iter().find_map(|(method, path)| Some((method, path.as_deref()?)))
    }

    fn filled(
        &self,
        fill: impl Fn(&str) -> Result<String, ProfileError>,
    ) -> Result<Option<Step>, ProfileError> {
        let optional = |source: &Option<String>| source.as_deref().map(&fill).transpose();
        let (status, json, reboot) = (self.expect, self.json.clone(), self.reboot);
        Ok(if let Some((method, path)) = self.request() {
            let (path, body) = (fill(path)?, optional(&self.body)?);
            Some(Step::Http { method, path, body, status, json, reboot })
        } else if let Some(name) = &self.rpc {
            let body = Some(optional(&self.params)?.unwrap_or_else(|| "{}".to_owned()));
            Some(Step::Http {
                method: Method::Post,
                path: format!("/rpc/{name}"),
                body,
                status,
                json,
                reboot,
            })
        } else if let Some(line) = &self.line {
            Some(Step::Line { text: fill(line)?, answer: self.answer.clone(), reboot })
        } else if let Some(topic) = &self.publish {
            let payload = optional(&self.payload)?.unwrap_or_default();
            Some(Step::Publish { topic: fill(topic)?, payload })
        } else {
            self.wait_reappear.map(|seconds| Step::Reappear { seconds })
        })
    }

    fn check(&self, way: Transport, is_last: bool) -> Result<(), Fault> {
        let fault = |why: String| Err(("[[provision]]".to_owned(), why));
        let does = [
            self.get.is_some() || self.post.is_some() || self.put.is_some(),
            self.rpc.is_some(),
            self.line.is_some(),
            self.publish.is_some(),
            self.wait_reappear.is_some(),
            self.wait_client.is_some(),
        ];
        if does.into_iter().filter(|does| *does).count() != 1 {
            return fault(format!(
                "a step over {way:?} does one thing: get, post, put, rpc, line, publish, wait_reappear or wait_client."
            ));
        }
        let [http, rpc, line, publish, _, wait_client] = does;
        let fits = match way {
            Transport::Http => !rpc && !line && !publish,
            Transport::Rpc => !line && !publish,
            Transport::Serial | Transport::Terminal => !http && !rpc && !publish,
            Transport::Mqtt => !http && !rpc && !line,
            Transport::Manual => false,
        };
        if !fits {
            return fault(format!("a step of a [[provision]] over {way:?} cannot be carried that way."));
        }
        if wait_client && !is_last {
            return fault("wait_client is the last step.".to_owned());
        }
        let waits = [self.wait_reappear, self.wait_client];
        if let Some(seconds) = waits.into_iter().flatten().find(|seconds| *seconds > WAIT_S_MAX) {
            return fault(format!("a step waits for {seconds} s; at most {WAIT_S_MAX} are possible."));
        }
        let templates = [
            &self.get,
            &self.post,
            &self.put,
            &self.body,
            &self.params,
            &self.line,
            &self.publish,
            &self.payload,
        ];
        templates.into_iter().flatten().try_for_each(|source| text(source))?;
        self.json.iter().chain(&self.when).try_for_each(|source| expression(source))
    }
}

#[cfg(test)]
mod tests;
