//! Errors a person or a script can act on.

/// Why a command was not sent.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// No such entity.
    #[error("There is no entity `{entity}`.{}", did_you_mean(.similar))]
    UnknownEntity {
        /// As asked for.
        entity: String,
        /// An entity that is written nearly the same.
        similar: Option<String>,
    },
    /// The entity knows other verbs, or none.
    #[error("`{entity}` cannot `{verb}`. {}", known_verbs(.known))]
    UnknownVerb {
        /// Entity id.
        entity: String,
        /// As asked for.
        verb: String,
        /// What it can be told.
        known: Vec<String>,
    },
    /// The verb needs a value, or another kind of value, or one within the limits.
    #[error("`{verb}` of `{entity}`: {why}")]
    BadValue {
        /// Entity id.
        entity: String,
        /// Verb.
        verb: String,
        /// What is wrong and what would be right.
        why: String,
    },
    /// The device sleeps, and has enough to do when it wakes.
    #[error(
        "`{entity}` sleeps or is away, and {max} commands wait for it already. Wait until it is back, or wake it by its button."
    )]
    TooManyWaiting {
        /// Entity id.
        entity: String,
        /// How many can wait.
        max: usize,
    },
    /// The relay guard held a message of it back.
    #[error("Held back by the relay guard: {why}.")]
    Held {
        /// The guard's words.
        why: String,
    },
    /// It could not be published.
    #[error("It was not sent. {why}")]
    NotSent {
        /// What the gate said.
        why: String,
    },
    /// The template of the payload failed, or it made a topic that cannot be published to.
    #[error(
        "The command `{verb}` of `{entity}` cannot be made: {why}. Announce the device again with a valid one."
    )]
    BadTemplate {
        /// Entity id.
        entity: String,
        /// Verb.
        verb: String,
        /// What is wrong.
        why: String,
    },
}

fn did_you_mean(similar: &Option<String>) -> String {
    similar.as_ref().map(|similar| format!(" Did you mean `{similar}`?")).unwrap_or_default()
}

fn known_verbs(known: &[String]) -> String {
    if known.is_empty() {
        "It only reports and takes no commands.".to_owned()
    } else {
        format!("It knows {}.", known.iter().map(|verb| format!("`{verb}`")).collect::<Vec<_>>().join(", "))
    }
}

/// Why a change to the registry was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// No such device.
    #[error("There is no device `{0}`. It may have been removed; reload the list.")]
    UnknownDevice(String),
    /// No such entity.
    #[error("There is no entity `{0}`. It may have been removed; reload the list.")]
    UnknownEntity(String),
    /// No such area.
    #[error("There is no area `{0}`. It may have been removed; reload the list.")]
    UnknownArea(String),
    /// Two areas cannot be told apart.
    #[error("There is already an area called {0:?}. Choose another name.")]
    AreaExists(String),
    /// Names have a length.
    #[error("A name has 1 to {max} characters; this one has {length}. Choose another.")]
    BadName {
        /// Characters it has.
        length: usize,
        /// Characters it may have.
        max: usize,
    },
    /// A topic filter or path that cannot be read.
    #[error("{0}")]
    BadSource(String),
    /// Announced entities belong to their device.
    #[error(
        "`{0}` is announced by its device and would come back. Remove the device, or stop it announcing the entity."
    )]
    NotByHand(String),
    /// Two boards that cannot take each other's place.
    #[error("{0}")]
    CannotReplace(String),
    /// A limit is reached.
    #[error("There can be at most {max} {what}. Remove some first.")]
    Full {
        /// Of what.
        what: &'static str,
        /// How many.
        max: usize,
    },
}
