//! One pairing, as a state machine: `step(input, now)` changes the state and says what is to be done.
//!
//! It ends with exactly one credential, which the board has proved to know, or with none.

/// How often a step is tried that a board did not answer.
pub const TRIES_MAX: u32 = 3;
/// Wait before a step is tried again, ms: a board that restarts needs some seconds.
const RETRY_MS: i64 = 2_000;
/// Longest a step may take, retries apart, ms. Whoever carries it out has shorter deadlines of their own.
const STEP_MS_MAX: i64 = 700_000;
/// Longest wait for the database, ms.
const KEEP_MS_MAX: i64 = 60_000;

/// What lies before a pairing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// What each step brings to the board, in words; empty for one that brings nothing.
    pub steps: Vec<String>,
    /// Longest wait for the first login, ms.
    pub login_ms: i64,
    /// Where its settings are handed over, such as `192.168.1.20, port 80`; none over a cable.
    pub place: Option<String>,
    /// It tried to log in, so it is there; only its web page was not seen yet.
    pub knocked: bool,
}

/// Where a pairing stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Its credential is being made.
    Minting,
    /// A step is under way.
    HandingOver {
        /// Which, from 0.
        at: usize,
        /// The how manieth try, from 1.
        attempt: u32,
    },
    /// Everything was handed over; the board has to log in.
    Waiting {
        /// Until then, UTC ms.
        until_ms: i64,
    },
    /// The board is in; its credential is being made lasting.
    Keeping,
    /// It failed; its credential is being taken away.
    Revoking(Failure),
    /// The end: one credential, which the board uses.
    Paired,
    /// The end: no credential.
    Failed(Failure),
}

/// Why a pairing failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What happened and why, a sentence.
    pub why: String,
    /// What to do about it, sentences.
    pub advice: String,
    /// What the board has taken all the same.
    pub pushed: Vec<String>,
    /// The board wants its own password, or another one.
    pub denied: bool,
}

/// Something that happened to a pairing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The credential was made, or why not.
    Minted(Result<(), String>),
    /// A step was carried out.
    Step {
        /// Which.
        at: usize,
        /// With what success.
        outcome: Outcome,
    },
    /// The board logged in with its new credential.
    LoggedIn,
    /// The credential is lasting, or why not.
    Kept(Result<(), String>),
    /// The credential is gone, or why it is locked out only.
    Revoked(Result<(), String>),
    /// The owner does not want it any more.
    Cancelled,
    /// Time passed.
    Tick,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The board took it.
    Done,
    /// The board wants its password, or another one.
    Denied,
    /// The board was not reached, so it has nothing of this step. Why.
    Unreachable(String),
    /// The connection was lost: the board may have taken it or not. Why.
    Lost(String),
    /// The board answered something else. What.
    Unexpected(String),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Make a credential that does not outlive this run.
    Mint,
    /// Carry out a step.
    Run {
        /// Which.
        at: usize,
        /// Not before so many ms passed.
        delay_ms: i64,
    },
    /// Make the credential lasting.
    Keep,
    /// Take the credential away.
    Revoke,
}

/// One pairing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairing {
    course: Course,
    stage: Stage,
    pushed: Vec<String>,
    /// The board logged in.
    is_in: bool,
    /// The stage began, UTC ms.
    since_ms: i64,
}

impl Pairing {
    /// Begins one.
    pub fn begin(course: Course, now_ms: i64) -> (Self, Vec<Effect>) {
        let stage = Stage::Minting;
        (Self { course, stage, pushed: Vec::new(), is_in: false, since_ms: now_ms }, vec![Effect::Mint])
    }

    /// Where it stands.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Whether it is over.
    pub fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Paired | Stage::Failed(_))
    }

    /// Takes what happened. What does not concern its stage changes nothing.
    pub fn step(&mut self, input: Input, now_ms: i64) -> Vec<Effect> {
        match (&self.stage, input) {
            (Stage::Minting, Input::Minted(Ok(()))) if self.is_in => self.keep(now_ms),
            (Stage::Minting, Input::Minted(Ok(()))) => self.run_or_wait(0, now_ms),
            // The credential may be used before it is known here that it was made.
            (Stage::Minting, Input::LoggedIn) => {
                self.is_in = true;
                Vec::new()
            }
            (Stage::Minting, Input::Minted(Err(why))) => {
                self.go(Stage::Failed(self.failure(why, "Correct that and try again.")), now_ms)
            }
            // It came too late, and must not stay.
            (Stage::Revoking(_) | Stage::Failed(_), Input::Minted(Ok(()))) => vec![Effect::Revoke],
            (Stage::HandingOver { at, attempt }, Input::Step { at: done, outcome }) if *at == done => {
                let (at, attempt) = (*at, *attempt);
                self.stepped(at, attempt, outcome, now_ms)
            }
            // A board that is in has what it needs; the steps that are left only restart it.
            (Stage::HandingOver { .. } | Stage::Waiting { .. }, Input::LoggedIn) => self.keep(now_ms),
            (Stage::Keeping, Input::Kept(Ok(()))) => self.go(Stage::Paired, now_ms),
            (Stage::Keeping, Input::Kept(Err(why))) => {
                let why = format!("The board logged in, but its credential could not be kept: {why}");
                self.fail(why, "Free space on the disk, then pair the board again.", now_ms)
            }
            (Stage::Revoking(failure), Input::Revoked(gone)) => {
                let mut failure = failure.clone();
                if let Err(why) = gone {
                    failure.advice.push_str(&format!(
                        " Its credential is locked out; it is deleted when Hearth starts the next time ({why})."
                    ));
                }
                self.go(Stage::Failed(failure), now_ms)
            }
            (Stage::Minting | Stage::HandingOver { .. } | Stage::Waiting { .. }, Input::Cancelled) => {
                self.fail("It was cancelled.".to_owned(), "", now_ms)
            }
            (_, Input::Tick) => self.tick(now_ms),
            _ => Vec::new(),
        }
    }

    fn stepped(&mut self, at: usize, attempt: u32, outcome: Outcome, now_ms: i64) -> Vec<Effect> {
        let mut took = |may_have: &str| {
            let what = self.course.steps.get(at).filter(|what| !what.is_empty());
            if let Some(what) = what.map(|what| format!("{may_have}{what}"))
                && !self.pushed.contains(&what)
            {
                self.pushed.push(what);
            }
        };
        match outcome {
            Outcome::Done => {
                took("");
                self.run_or_wait(at + 1, now_ms)
            }
            Outcome::Denied => {
                let why = "The board wants its own password, or the one that was given is wrong.";
                let advice = "Give the password of the board's web page, and try again.";
                let failure = Failure { denied: true, ..self.failure(why.to_owned(), advice) };
                self.go(Stage::Revoking(failure), now_ms);
                vec![Effect::Revoke]
            }
            Outcome::Lost(_) if attempt >= TRIES_MAX => {
                // It may have taken it and restarted before it could say so: its login tells.
                took("perhaps ");
                self.run_or_wait(at + 1, now_ms)
            }
            Outcome::Unreachable(_) | Outcome::Lost(_) | Outcome::Unexpected(_) if attempt < TRIES_MAX => {
                if matches!(outcome, Outcome::Lost(_)) {
                    took("perhaps ");
                }
                self.go(Stage::HandingOver { at, attempt: attempt + 1 }, now_ms);
                vec![Effect::Run { at, delay_ms: RETRY_MS }]
            }
            // What it took before may be enough, as when it restarts by itself and is slow to come back.
            Outcome::Unreachable(_) if !self.pushed.is_empty() => self.run_or_wait(at + 1, now_ms),
            Outcome::Unreachable(why) | Outcome::Lost(why) => {
                let at = self.course.place.as_ref().map_or(String::new(), |place| format!(" at {place}"));
                let advice = if self.course.knocked {
                    "It tried to log in, so it is there: its web page may be at another port. Try again, and open “Its \
                     web page is somewhere else”."
                } else {
                    "See that it has power and is in the same network, and try again."
                };
                self.fail(format!("The board did not answer {TRIES_MAX} times{at}: {why}."), advice, now_ms)
            }
            Outcome::Unexpected(what) => self.fail(
                format!("The board did not take the settings: {what}."),
                "See that it is the firmware you chose, and update it if it is old.",
                now_ms,
            ),
        }
    }

    fn run_or_wait(&mut self, at: usize, now_ms: i64) -> Vec<Effect> {
        if at < self.course.steps.len() {
            self.go(Stage::HandingOver { at, attempt: 1 }, now_ms);
            return vec![Effect::Run { at, delay_ms: 0 }];
        }
        self.go(Stage::Waiting { until_ms: now_ms.saturating_add(self.course.login_ms) }, now_ms)
    }

    fn tick(&mut self, now_ms: i64) -> Vec<Effect> {
        let late = |most_ms: i64| now_ms.saturating_sub(self.since_ms) > most_ms;
        match &self.stage {
            Stage::Waiting { until_ms } if now_ms >= *until_ms => {
                let waited_s = self.course.login_ms / 1_000;
                self.fail(
                    format!("The board did not log in within {waited_s} s."),
                    "See that it is in the network and that it can reach the address of the broker; then pair it again, \
                     or type the settings into it.",
                    now_ms,
                )
            }
            Stage::HandingOver { .. } if late(STEP_MS_MAX) => {
                self.fail("A step took too long.".to_owned(), "Restart the board and try again.", now_ms)
            }
            Stage::Minting | Stage::Keeping if late(KEEP_MS_MAX) => self.fail(
                "The database took too long.".to_owned(),
                "Look at the disk, and try again.",
                now_ms,
            ),
            Stage::Revoking(failure) if late(KEEP_MS_MAX) => {
                let mut failure = failure.clone();
                failure.advice.push_str(" Its credential is locked out, and deleted at the next start.");
                self.go(Stage::Failed(failure), now_ms)
            }
            _ => Vec::new(),
        }
    }

    fn keep(&mut self, now_ms: i64) -> Vec<Effect> {
        self.go(Stage::Keeping, now_ms);
        vec![Effect::Keep]
    }

    fn fail(&mut self, why: String, advice: &str, now_ms: i64) -> Vec<Effect> {
        let failure = self.failure(why, advice);
        self.go(Stage::Revoking(failure), now_ms);
        vec![Effect::Revoke]
    }

    fn failure(&self, why: String, advice: &str) -> Failure {
        Failure { why, advice: advice.to_owned(), pushed: self.pushed.clone(), denied: false }
    }

    fn go(&mut self, stage: Stage, now_ms: i64) -> Vec<Effect> {
        self.stage = stage;
        self.since_ms = now_ms;
        Vec::new()
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)?;
        if self.pushed.is_empty() {
            f.write_str(" Nothing was changed on the board.")?;
        } else {
            write!(f, " The board has {} of the try, which let nobody in any more.", self.pushed.join(", "))?;
        }
        if !self.advice.is_empty() {
            write!(f, " {}", self.advice.trim_start())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
