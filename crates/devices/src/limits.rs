//! Named limits: everything that comes from outside has one.

/// Most devices.
pub const DEVICES_MAX: usize = 5_000;
/// Most entities of one device.
pub const ENTITIES_PER_DEVICE_MAX: usize = 500;
/// Most entities of all devices.
pub const ENTITIES_MAX: usize = 20_000;
/// Most entities of all devices one credential announced: no client fills the home alone.
pub const ENTITIES_PER_CREDENTIAL_MAX: usize = 10_000;
/// Most announcements one device rests on. A board announces at most one message per entity and a few beside.
pub const ANNOUNCEMENTS_PER_DEVICE_MAX: usize = 600;
/// Most announcements of all devices.
pub const ANNOUNCEMENTS_MAX: usize = 40_000;
/// Most areas.
pub const AREAS_MAX: usize = 500;
/// Longest name of a device, entity or area, in characters. Longer announced names are cut.
pub const NAME_CHARS_MAX: usize = 120;
/// Longest unique id or identity, in bytes. An announcement with a longer one is refused.
pub const IDENTITY_BYTES_MAX: usize = 512;
/// Most identities of one device.
pub const IDENTITIES_MAX: usize = 32;
/// Largest announcement that is read, in bytes.
pub const ANNOUNCEMENT_BYTES_MAX: usize = 256 * 1024;
/// Largest list of a bridge's devices that is read, in bytes: 20 KiB each for 200 of them.
pub const BRIDGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest payload that may give a firmware away, in bytes.
pub const FINGERPRINT_BYTES_MAX: usize = 4 * 1024;
/// Longest attribute of a Homie device, in bytes. The format of an enum is the longest there is.
pub const HOMIE_ATTRIBUTE_BYTES_MAX: usize = 16 * 1024;
/// Most messages one announcement is put together from. A Homie device with 500 properties sends 3,000.
pub const PARTS_PER_ANNOUNCEMENT_MAX: usize = 4_000;
/// Most state sources, or availability sources, of one entity.
pub const SOURCES_MAX: usize = 64;
/// Most options of a select.
pub const OPTIONS_MAX: usize = 1_000;
/// Most announcements of which only some parts have come.
pub const PENDING_MAX: usize = 4_000;
/// The same of one credential: nobody takes the room of the others.
pub const PENDING_PER_USER_MAX: usize = 500;
/// Most bytes of such parts.
pub const PENDING_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The same of one credential.
pub const PENDING_BYTES_PER_USER_MAX: usize = 4 * 1024 * 1024;
/// Most bytes of the parts of one announcement.
pub const ANNOUNCEMENT_PARTS_BYTES_MAX: usize = 1024 * 1024;
/// Parts of announcements that are read for one credential before it has to wait. An announcement of so many parts is
/// read anew with each of them.
pub const PARTS_READ_AT_ONCE: i64 = 100_000;
/// Parts that are read for it per second from then on.
pub const PARTS_READ_PER_S: i64 = 20_000;
/// Most messages of one credential that wait for that.
pub const LATER_MAX: usize = 2_000;
/// Most bytes of them.
pub const LATER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most refusals one announcement brings; the last one counts the others.
pub const PROBLEMS_MAX: usize = 10;
/// Largest payload that is parsed as JSON, in bytes; larger ones reach templates as text only.
pub const JSON_BYTES_MAX: usize = 1024 * 1024;
/// Longest text a state keeps, in characters. Longer ones are cut.
pub const STATE_CHARS_MAX: usize = 4_096;
/// Longest text a text entity takes, in characters, unless it says less: Home Assistant's limit.
pub const TEXT_CHARS_MAX: usize = 255;
/// Longest pattern of a text, in bytes.
pub const PATTERN_BYTES_MAX: usize = 256;
/// Most messages to one entity that are on their way through the log and after which it is assumed to be something.
pub const UNDER_WAY_MAX: usize = 32;
/// Most commands of one entity that wait until its device wakes; a newer one about the same replaces the older one.
pub const WAITING_MAX: usize = 8;
/// How long a command waits for its device to wake, ms: a day.
pub const WAITING_AGE_MS: i64 = 24 * 60 * 60 * 1_000;
/// Most attributes of one state.
pub const ATTRIBUTES_MAX: usize = 128;
/// Largest attributes of one state, in bytes of JSON.
pub const ATTRIBUTES_BYTES_MAX: usize = 16 * 1024;
/// Longest template, in bytes.
pub const TEMPLATE_BYTES_MAX: usize = 16 * 1024;
/// Most operators (`+ - * / % ~` and `not`) in one expression of a template. The longest seen in the field has 15.
pub const OPERATORS_MAX: usize = 200;
/// Longest output of a template, in bytes.
pub const TEMPLATE_OUTPUT_BYTES_MAX: usize = 64 * 1024;
/// Instructions one rendering of a template may take.
pub const TEMPLATE_FUEL: u64 = 50_000;
/// Instructions a template is first tried with; nearly all need no more. A template that fails is charged what
/// it was tried with, for the engine does not say how far it came.
pub const TEMPLATE_LIGHT_FUEL: u64 = 500;
/// Instructions the templates of one device may take for one message: those of as many entities as it can have,
/// if they are light.
pub const DEVICE_FUEL: u64 = ENTITIES_PER_DEVICE_MAX as u64 * TEMPLATE_LIGHT_FUEL;
/// Instructions the templates of all devices may take for one message.
pub const MESSAGE_FUEL: u64 = 4 * DEVICE_FUEL;
/// Messages whose templates may take too much, after which a device's templates are paused.
pub const OVERRUNS_MAX: u32 = 5;
/// Largest profile, in bytes.
pub const PROFILE_BYTES_MAX: usize = 256 * 1024;
/// Most messages a profile is tried with at a time.
pub const TRIAL_MESSAGES_MAX: usize = 200;
/// Most bytes of them, topics included.
pub const TRIAL_BYTES_MAX: usize = 1024 * 1024;
/// Largest picture, in bytes.
pub const PICTURE_BYTES_MAX: usize = 8 * 1024 * 1024;
