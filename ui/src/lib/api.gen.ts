// Made from the list in crates/hub/src/api/list.rs by `make api`. Do not edit.

export type AcceptCandidate = { 
/**
 * Number of a candidate.
 */
candidate: number | null, 
/**
 * Address of a board, such as `192.168.1.20` or `192.168.1.20:8080`; with a candidate that came to the door,
 * where its web page is, if it is not where it came from.
 */
address: string | null, 
/**
 * Serial port, such as `/dev/ttyUSB0`.
 */
serial: string | null, 
/**
 * Name of the board; its user name and topic are made from it.
 */
name: string, 
/**
 * Area for its device.
 */
area: string | null, 
/**
 * Firmware profile; the one that was recognised unless said otherwise.
 */
firmware: string | null, 
/**
 * How.
 */
way: PairingWay, 
/**
 * Password of the board's own web page, if it has one.
 */
board_password: Password | null, 
/**
 * Name of the network it should join, for a board that is in none.
 */
wifi_ssid: string | null, 
/**
 * Password of that network.
 */
wifi_password: Password | null, 
/**
 * Longest wait for its login, seconds; as its firmware says unless said otherwise.
 */
wait_s: number | null, };

export type AcceptProposal = { 
/**
 * Id of the proposal.
 */
id: string, 
/**
 * Name of the device; the suggested one unless said otherwise.
 */
name: string | null, 
/**
 * Area to put a new device into.
 */
area: string | null, 
/**
 * Device to add it to; `null` makes a new one.
 */
device: string | null, 
/**
 * The entities to make; all that are wanted unless said otherwise.
 */
entities: Array<AcceptedEntity> | null, 
/**
 * Days of past messages to make readings of, at most 31; none unless said otherwise.
 */
history_days: number | null, };

export type AcceptedEntity = { 
/**
 * Its key in the proposal.
 */
key: string, 
/**
 * Its name; the suggested one unless said otherwise.
 */
name: string | null, 
/**
 * Its unit; the suggested one unless said otherwise, none when empty.
 */
unit: string | null, };

export type AcceptedProposal = { 
/**
 * Device id.
 */
device: string, 
/**
 * Ids of the new entities.
 */
entities: Array<string>, 
/**
 * Readings that were made of past messages.
 */
readings: number, };

export type Activity = { 
/**
 * Newest first.
 */
lines: Array<ActivityLine>, };

export type ActivityLine = { 
/**
 * Rising.
 */
id: number, 
/**
 * UTC ms.
 */
time_ms: number, 
/**
 * How much it matters.
 */
level: Level, 
/**
 * What it is about: `client`, `device`, `automation`, `command`, `credential`, `hub`.
 */
about: string, 
/**
 * Id of that thing.
 */
subject: string | null, 
/**
 * What happened, and what to do if something must be done.
 */
text: string, };

export type AddBoard = { 
/**
 * Name of the board: its device gets it. Its user name and topic are made from it.
 */
name: string, 
/**
 * Profile: `tasmota`, `esphome`, `custom`.
 */
firmware: string, 
/**
 * Area for its device.
 */
area: string | null, };

export type AddCredential = { 
/**
 * Name, 1 to 64 characters without spaces, slashes or wildcards.
 */
name: string, 
/**
 * What it may write and read; `%u` and `%c` stand for user and client id.
 */
permissions: Permissions, 
/**
 * A secret the owner chose; `null` makes one of 128 bits or more.
 */
secret: string | null, };

export type AddEntity = { 
/**
 * Topic that carries the value.
 */
topic: string, 
/**
 * Path into a JSON payload, such as `ENERGY.Power` or `values[0].t`; `null` for the whole payload.
 */
path: string | null, 
/**
 * Name shown.
 */
name: string, 
/**
 * Unit, if any.
 */
unit: string | null, 
/**
 * What it is; `sensor` unless said otherwise.
 */
component: Component | null, 
/**
 * Topic that takes `ON` and `OFF`, for a switch.
 */
command_topic: string | null, 
/**
 * Device to add it to; `null` makes a new one of the same name.
 */
device: string | null, };

export type AlarmFeatures = { 
/**
 * The code the hub compares with; `None` if the panel compares itself, or wants none.
 */
code: string | null, 
/**
 * A code is wanted, by the hub or by the panel.
 */
wants_code: boolean, 
/**
 * To arm it.
 */
code_arm_required: boolean, 
/**
 * To disarm it.
 */
code_disarm_required: boolean, 
/**
 * To trigger it.
 */
code_trigger_required: boolean, };

export type ApiError = { 
/**
 * What a program may branch on.
 */
code: ErrorCode, 
/**
 * What happened, why if known, and what to do.
 */
message: string, };

export type Area = { 
/**
 * Never changes.
 */
id: string, 
/**
 * Shown.
 */
name: string, 
/**
 * Where it stands among the others, from 0; of two with the same place the name decides.
 */
place: number, };

export type AutomationDetail = { 
/**
 * About it.
 */
automation: AutomationView, 
/**
 * The script.
 */
source: string, };

export type AutomationList = { 
/**
 * In order of name.
 */
automations: Array<AutomationView>, };

export type AutomationView = { 
/**
 * Its file name without `.rhai`.
 */
id: string, 
/**
 * Name: the first comment line of the script, or else the id.
 */
name: string, 
/**
 * Switched on.
 */
enabled: boolean, 
/**
 * What it waits for, as written.
 */
triggers: Array<string>, 
/**
 * Why it does not run, if it does not.
 */
error: ScriptError | null, 
/**
 * Why it was paused, if it was.
 */
paused: string | null, 
/**
 * Last run, UTC ms.
 */
last_run_ms: number | null, 
/**
 * The last run failed.
 */
last_run_failed: boolean, 
/**
 * Events it missed because too many came at once.
 */
dropped: number, };

export type Availability = "available" | "unavailable" | "asleep";

export type AvailabilityMode = "all" | "any" | "latest";

export type AvailabilitySource = { 
/**
 * Topic.
 */
topic: string, 
/**
 * Template over the payload.
 */
template: string | null, 
/**
 * Payload that means it is there.
 */
online: string, 
/**
 * Payload that means it is gone.
 */
offline: string, };

export type AvailabilitySpec = { 
/**
 * How several sources are put together.
 */
mode: AvailabilityMode, 
/**
 * The topics.
 */
sources: Array<AvailabilitySource>, 
/**
 * The device sleeps between reports: offline is asleep.
 */
sleepy: boolean, };

export type BoardAccess = { 
/**
 * Address to type into the board.
 */
host: string, 
/**
 * Port to type into the board.
 */
port: number, 
/**
 * User name.
 */
user: string, 
/**
 * Secret, shown this once.
 */
secret: string, 
/**
 * Topic the board should use.
 */
topic: string, 
/**
 * What it may write and read.
 */
permissions: Permissions, 
/**
 * Ready texts to paste.
 */
snippets: Array<Snippet>, 
/**
 * QR code of the first snippet, an SVG picture.
 */
qr_svg: string, 
/**
 * Why the board cannot reach the address, if it cannot.
 */
warning: string | null, };

export type BoardAt = { 
/**
 * Address of its web page, such as `192.168.1.20` or `192.168.1.20:8080`.
 */
address: string, };

export type BringCertificate = { 
/**
 * Certificate chain, PEM, the server's first; empty to go back to Hearth's own.
 */
certificate_pem: string, 
/**
 * Private key, PEM.
 */
key_pem: string, };

export type BrokerInfo = { 
/**
 * The ways in: TCP, TLS, WebSocket, secure WebSocket.
 */
listeners: Array<ListenerView>, 
/**
 * Its certificate, once one was made: with the first TLS listener.
 */
certificate: CertificateView | null, 
/**
 * Settings of TLS.
 */
tls: TlsSettings, 
/**
 * Announcing by multicast DNS.
 */
mdns: MdnsView, 
/**
 * Host to type into a board.
 */
board_host: string, 
/**
 * Port to type into a board.
 */
board_port: number, 
/**
 * Why boards cannot reach that address, if they cannot.
 */
board_warning: string | null, 
/**
 * The address boards were told before it changed, until the owner has seen it.
 */
address_was: string | null, 
/**
 * Kept off the network by `--local-only`.
 */
local_only: boolean, };

export type BrokerLimits = { 
/**
 * In the order to show them.
 */
limits: Array<LimitView>, };

export type BrokerRates = { 
/**
 * End of each span, UTC ms.
 */
times_ms: Array<number>, 
/**
 * Length of a span, ms.
 */
span_ms: number, 
/**
 * Messages accepted per second.
 */
messages_in: Array<number>, 
/**
 * Messages delivered per second.
 */
messages_out: Array<number>, 
/**
 * Bytes read per second.
 */
bytes_in: Array<number>, 
/**
 * Bytes written per second.
 */
bytes_out: Array<number>, 
/**
 * Messages dropped per second.
 */
dropped: Array<number>, 
/**
 * Logins and messages refused per second.
 */
refused: Array<number>, 
/**
 * Clients connected at the end of the span.
 */
clients: Array<number>, };

export type BrokerTotals = { 
/**
 * Clients connected now.
 */
connected: number, 
/**
 * Sessions without a connection now.
 */
sleeping: number, 
/**
 * Connections accepted.
 */
connections: number, 
/**
 * Connections refused: at a limit, at login, or for breaking the protocol.
 */
refused: number, 
/**
 * Messages accepted from clients.
 */
messages_in: number, 
/**
 * Messages of Hearth itself.
 */
messages_own: number, 
/**
 * Messages written to clients.
 */
messages_out: number, 
/**
 * Bytes read from sockets.
 */
bytes_in: number, 
/**
 * Bytes written to sockets.
 */
bytes_out: number, 
/**
 * Messages dropped, by reason in words, reasons with none left out.
 */
dropped: Array<DroppedCount>, 
/**
 * Publishes, subscriptions and deliveries without permission.
 */
denied: number, 
/**
 * Messages the relay guard held back.
 */
held: number, 
/**
 * Retained messages now.
 */
retained: number, 
/**
 * Times the bus inside was rebuilt.
 */
bus_rebuilds: number, 
/**
 * Rows accepted and not yet on disk.
 */
journal_backlog: number, };

export type Bucket = { 
/**
 * Start of the span, UTC ms; a multiple of the bucket's length.
 */
start_ms: number, 
/**
 * Readings in it, at least 1.
 */
count: number, 
/**
 * Smallest.
 */
min: number, 
/**
 * Arithmetic mean of the readings.
 */
mean: number, 
/**
 * Largest.
 */
max: number, 
/**
 * The newest in the span.
 */
last: number, };

export type Buckets = { 
/**
 * Length of one bucket, ms.
 */
bucket_ms: number, 
/**
 * The buckets that hold readings, in order of time.
 */
buckets: Array<Bucket>, };

export type ByClient = { 
/**
 * MQTT client id.
 */
client_id: string, };

export type ById = { 
/**
 * Its id.
 */
id: string, };

export type ByIds = { 
/**
 * Their ids; one that is named twice counts once.
 */
ids: Array<string>, };

export type ByKey = { 
/**
 * Name.
 */
key: string, };

export type ByPairing = { 
/**
 * Its number.
 */
id: number, };

export type ByPicture = { 
/**
 * Entity id.
 */
entity: string, 
/**
 * Id of the picture; the newest unless given.
 */
id: number | null, };

export type ByTopic = { 
/**
 * The topic.
 */
topic: string, };

export type CandidateView = { 
/**
 * Its number.
 */
id: number, 
/**
 * How it was met.
 */
way: CandidateWay, 
/**
 * Client id it came with.
 */
client_id: string | null, 
/**
 * User name it came with, shortened: it may be a password.
 */
user: string | null, 
/**
 * IP address.
 */
address: string | null, 
/**
 * Port of its web page.
 */
http_port: number | null, 
/**
 * Serial port.
 */
serial: string | null, 
/**
 * Firmware profile, if it was recognised.
 */
firmware: string | null, 
/**
 * Name it has now.
 */
name: string | null, 
/**
 * Model.
 */
model: string | null, 
/**
 * MAC address, 12 upper-case hex digits.
 */
mac: string | null, 
/**
 * It wants the password of the board.
 */
locked: boolean, 
/**
 * First seen, UTC ms.
 */
first_ms: number, 
/**
 * Last seen, UTC ms.
 */
last_ms: number, 
/**
 * Why new settings cannot be handed to it, if they cannot.
 */
why_no_push: string | null, 
/**
 * Why it cannot be let in with what it tried, if it cannot.
 */
why_not_as_it_is: string | null, };

export type CandidateWay = "refused" | "mdns" | "sweep" | "serial";

export type Card = { 
/**
 * How to show it.
 */
kind: CardKind, 
/**
 * What to show.
 */
entity: string, };

export type CardKind = "value" | "chart" | "switch" | "status";

export type Cause = { "kind": "message", 
/**
 * Journal id.
 */
id: number, } | { "kind": "run", 
/**
 * The run's id.
 */
run: string, 
/**
 * The automation's id.
 */
automation: string, 
/**
 * How many runs stand between this and the first cause; the loop guard counts it.
 */
depth: number, } | { "kind": "person", 
/**
 * Who, as the door knows them.
 */
who: string, } | { "kind": "hub", 
/**
 * Which part and why, in words.
 */
why: string, };

export type CertificateView = { 
/**
 * Made by Hearth's own authority, or brought by the owner.
 */
own: boolean, 
/**
 * Names and addresses it is for.
 */
names: Array<string>, 
/**
 * Valid from, UTC ms.
 */
not_before_ms: number, 
/**
 * Valid until, UTC ms.
 */
not_after_ms: number, 
/**
 * SHA-1 of the certificate, `AA:BB:…`: what `setFingerprint` of an ESP8266 wants.
 */
sha1: string, 
/**
 * SHA-256 of the certificate.
 */
sha256: string, 
/**
 * SHA-1 fingerprint of the public key in the form Tasmota's `MqttFingerprint` compares; `null` for a kind of
 * key Tasmota does not know.
 */
tasmota: string | null, 
/**
 * The authority's certificate, PEM: what clients that check the chain need. `null` with a brought
 * certificate.
 */
authority_pem: string | null, 
/**
 * What is not as it should be, such as an address the certificate does not name, and what to do.
 */
trouble: string | null, };

export type CheckResult = "ok" | "warning" | "failed" | "skipped";

export type ClearTopics = { 
/**
 * At most 5,000.
 */
topics: Array<string>, };

export type ClearedTopic = { 
/**
 * Topic.
 */
topic: string, 
/**
 * Journal id of the message that was retained there.
 */
message_id: number, };

export type ClearedTopics = { 
/**
 * What can be taken back for as long as the journal has the messages.
 */
cleared: Array<ClearedTopic>, 
/**
 * Topics on which nothing was retained.
 */
missing: Array<string>, };

export type ClientCertificate = { 
/**
 * Credential it logs in as.
 */
name: string, 
/**
 * Certificate, PEM.
 */
certificate_pem: string, 
/**
 * Private key, PEM, shown this once.
 */
key_pem: string, };

export type ClientCertificates = "off" | "optional" | "required";

export type ClientDetail = { 
/**
 * The client; `null` when it is neither connected nor asleep, and only its log is left.
 */
client: ClientView | null, 
/**
 * Its subscriptions, in order.
 */
subscriptions: Array<SubscriptionView>, 
/**
 * Its will.
 */
will: WillView | null, 
/**
 * What its credential may do.
 */
permissions: Permissions | null, 
/**
 * Why it cannot do what it tries, in one sentence, if there is anything: the newest thing to act on.
 */
trouble: string | null, 
/**
 * What it was refused, newest first.
 */
refusals: Array<Refusal>, 
/**
 * Its log, newest first.
 */
log: Array<ClientEvent>, };

export type ClientEvent = { 
/**
 * When, UTC ms.
 */
time_ms: number, 
/**
 * How bad.
 */
level: Level, 
/**
 * `connected`, `disconnected`, `refused`, `denied`, `held`, `dropped`.
 */
kind: string, 
/**
 * What happened and why, in words.
 */
text: string, };

export type ClientView = { 
/**
 * MQTT client id.
 */
client_id: string, 
/**
 * Credential.
 */
user: string, 
/**
 * Remote address without the port; empty while it sleeps.
 */
address: string, 
/**
 * How it came in; `null` while it sleeps.
 */
transport: Transport | null, 
/**
 * `3.1`, `3.1.1` or `5`; empty for a session that was not seen since the start.
 */
version: string, 
/**
 * Since when it is connected, or asleep, UTC ms.
 */
since_ms: number, 
/**
 * Connected, or a sleeping session.
 */
connected: boolean, 
/**
 * Keepalive, s; 0 for none.
 */
keepalive_s: number, 
/**
 * Seconds its session outlives the connection; 0 ends with it, 4,294,967,295 never ends.
 */
expiry_s: number, 
/**
 * How many topic filters it is subscribed to.
 */
subscription_count: number, 
/**
 * Messages waiting for it.
 */
queued: number, 
/**
 * Bytes of them.
 */
queued_bytes: number, 
/**
 * QoS 1 and 2 messages sent to it and not acknowledged.
 */
in_flight: number, 
/**
 * Messages it sent since it connected.
 */
messages_in: number, 
/**
 * Messages it was sent since it connected.
 */
messages_out: number, 
/**
 * Messages per second it sends, over the last seconds.
 */
rate_in: number, 
/**
 * Messages per second it is sent, over the last seconds.
 */
rate_out: number, 
/**
 * Messages it missed at a limit.
 */
dropped: number, 
/**
 * What it was refused since it connected: publishes, subscriptions, deliveries.
 */
denied: number, 
/**
 * Its credential is in learning mode.
 */
learning: boolean, 
/**
 * There is something to act on: it was denied something lately that no rule allows yet, it lost messages, it
 * is at a limit, or another device uses its client id.
 */
in_trouble: boolean, };

export type Clients = { 
/**
 * In order of client id.
 */
clients: Array<ClientView>, };

export type ClientsFrame = { 
/**
 * New ones and those that changed.
 */
changed: Array<ClientView>, 
/**
 * Client ids that are gone.
 */
gone: Array<string>, };

export type ClimateFeatures = { 
/**
 * What it can be set to do; the state is one of them.
 */
modes: Array<string>, 
/**
 * Presets.
 */
preset_modes: Array<string>, 
/**
 * Modes of its fan.
 */
fan_modes: Array<string>, 
/**
 * Modes of its vanes.
 */
swing_modes: Array<string>, 
/**
 * Modes of its vanes from side to side.
 */
swing_horizontal_modes: Array<string>, 
/**
 * Lowest and highest humidity it can be set to.
 */
humidity: [number, number] | null, 
/**
 * Temperatures are kept to this step.
 */
precision: number | null, };

export type ColorMode = "onoff" | "brightness" | "color_temp" | "hs" | "rgb" | "rgbw" | "rgbww" | "white" | "xy";

export type Command = { 
/**
 * Entity id.
 */
entity: string, 
/**
 * `turn_on`, `turn_off`, `toggle`, `set` or `press`.
 */
verb: string, 
/**
 * What to set it to, for `set`.
 */
value: Value | null, 
/**
 * Further fields by name, such as `brightness`.
 */
attributes: Record<string, unknown>, };

export type CommandSpec = { 
/**
 * Topic to publish to.
 */
topic: string, 
/**
 * Payload: a template over `value`, or a plain text without `{{`.
 */
payload: string, 
/**
 * QoS of the publish.
 */
qos: QoS, 
/**
 * Whether to retain it; the firmware has to ask for that.
 */
retain: boolean, };

export type CommandStage = "sent" | "confirmed" | "unconfirmed" | "held" | "waiting" | "away" | "expired";

export type CommandState = { 
/**
 * What it was told, such as `turn_on`.
 */
verb: string, 
/**
 * Its argument, if it has one without a name.
 */
value: Value | null, 
/**
 * How far it is.
 */
stage: CommandStage, 
/**
 * When it was given, UTC ms: tells two commands apart.
 */
asked_ms: number, 
/**
 * When it came to this stage, UTC ms.
 */
since_ms: number, 
/**
 * Until when it waits for the device, UTC ms; `null` when it waits for nothing.
 */
until_ms: number | null, 
/**
 * Why it is where it is and what to do, in words, if there is something to say.
 */
why: string | null, };

export type Component = "alarm_control_panel" | "binary_sensor" | "button" | "camera" | "climate" | "cover" | "device_tracker" | "event" | "fan" | "humidifier" | "image" | "lawn_mower" | "light" | "lock" | "notify" | "number" | "scene" | "select" | "sensor" | "siren" | "switch" | "text" | "update" | "vacuum" | "valve" | "water_heater";

export type Confidence = "guess" | "likely" | "clear";

export type Counters = { 
/**
 * Messages accepted from clients.
 */
messages_in: number, 
/**
 * Messages delivered to clients.
 */
messages_out: number, 
/**
 * Messages dropped, for whatever reason; each reason has a line in the activity.
 */
dropped: number, 
/**
 * Logins and messages refused.
 */
refused: number, 
/**
 * Clients connected now.
 */
clients: number, 
/**
 * Readings stored, in all.
 */
readings: number, 
/**
 * Rows accepted and not yet on disk.
 */
journal_backlog: number, };

export type CoverFeatures = { 
/**
 * What the board calls closed.
 */
position_closed: number, 
/**
 * What the board calls open.
 */
position_open: number, 
/**
 * What the board calls the least tilt.
 */
tilt_min: number, 
/**
 * What the board calls the most tilt.
 */
tilt_max: number, 
/**
 * The tilt that closes the slats, as the board says it.
 */
tilt_closed: number, 
/**
 * The tilt that opens the slats, as the board says it.
 */
tilt_opened: number, 
/**
 * It tells its position.
 */
reports_position: boolean, 
/**
 * It tells its state in words of its own, so that a position says nothing about it.
 */
reports_state: boolean, 
/**
 * The state that is shown is what was last sent.
 */
optimistic: boolean, 
/**
 * The tilt that is shown is what was last sent.
 */
tilt_optimistic: boolean, };

export type CredentialView = { 
/**
 * User name.
 */
name: string, 
/**
 * What it may write and read.
 */
permissions: Permissions, 
/**
 * Made, UTC ms.
 */
created_ms: number, 
/**
 * Last login, UTC ms.
 */
last_login_ms: number | null, 
/**
 * Belongs to the demo home.
 */
demo: boolean, 
/**
 * A client is connected with it now.
 */
connected: boolean, 
/**
 * It is in learning mode: everything it does is allowed and recorded.
 */
learning: boolean, 
/**
 * It was revoked and lets nobody in, but could not be removed from the disk: revoke it again.
 */
revoked: boolean, };

export type Credentials = { 
/**
 * In order of name.
 */
credentials: Array<CredentialView>, };

export type Dashboard = { 
/**
 * One for each area that has devices, then one for the rest.
 */
sections: Array<DashboardSection>, };

export type DashboardSection = { 
/**
 * Area id; `null` for devices without an area.
 */
area: string | null, 
/**
 * Its heading.
 */
title: string, 
/**
 * Its cards, the most useful first.
 */
cards: Array<Card>, };

export type Device = { 
/**
 * Made from its first name; never changes, whatever it is called later.
 */
id: string, 
/**
 * Ways to recognise it in an announcement.
 */
identities: Array<string>, 
/**
 * Profile that understood it.
 */
profile: string, 
/**
 * Name shown: the owner's, or else the board's.
 */
name: string, 
/**
 * The owner gave the name; announcements leave it alone.
 */
name_by_owner: boolean, 
/**
 * Area id.
 */
area: string | null, 
/**
 * Who made it.
 */
manufacturer: string | null, 
/**
 * Model.
 */
model: string | null, 
/**
 * Firmware version.
 */
sw_version: string | null, 
/**
 * Hardware version.
 */
hw_version: string | null, 
/**
 * MAC address, 12 upper-case hex digits.
 */
mac: string | null, 
/**
 * IP address.
 */
ip: string | null, 
/**
 * Its own web page.
 */
url: string | null, 
/**
 * Name of the credential that announced it.
 */
credential: string | null, 
/**
 * Belongs to the demo home.
 */
demo: boolean, 
/**
 * First announced, UTC ms.
 */
first_seen_ms: number, };

export type DeviceDetail = { 
/**
 * The device.
 */
device: Device, 
/**
 * Its entities with their states.
 */
entities: Array<EntityView>, 
/**
 * Topics its entities read, with the newest message of each.
 */
topics: Array<TopicMessage>, 
/**
 * Its credential, if it has one of its own.
 */
credential: CredentialView | null, 
/**
 * Its MQTT connection, if it is connected.
 */
client: ClientView | null, };

export type DeviceEvent = { 
/**
 * Rises.
 */
id: number, 
/**
 * UTC ms.
 */
time_ms: number, 
/**
 * How much it matters.
 */
level: Level, 
/**
 * `announced`, `added`, `removed`, `changed`, `firmware`, `renamed`, `moved`, `replaced`, `refused`,
 * `connected`, `disconnected`, `unconfirmed`.
 */
kind: string, 
/**
 * What happened.
 */
text: string, };

export type DeviceHealth = { 
/**
 * The worst first.
 */
findings: Array<HealthFinding>, 
/**
 * What the firmware tells of the board.
 */
facts: Array<HealthFact>, 
/**
 * When it was looked at, UTC ms.
 */
looked_ms: number, };

export type DeviceLogLines = { 
/**
 * The newest first.
 */
lines: Array<DeviceEvent>, 
/**
 * There are older ones.
 */
more: boolean, };

export type DeviceRetained = { 
/**
 * In order of topic; at most 5,000.
 */
topics: Array<RetainedTopic>, 
/**
 * There are more.
 */
more: boolean, 
/**
 * Credential that is revoked when the device is removed.
 */
revokes: string | null, 
/**
 * Why its credential is kept then.
 */
keeps: string | null, };

export type DismissProposal = { 
/**
 * Id of the proposal.
 */
id: string, 
/**
 * Key of the entity; the whole proposal if there is none.
 */
key: string | null, };

export type DismissedProposal = { 
/**
 * Id of the proposal.
 */
id: string, 
/**
 * Key of the entity; the whole proposal if there is none.
 */
key: string | null, 
/**
 * What it was called.
 */
name: string, 
/**
 * When, UTC ms.
 */
dismissed_ms: number, };

export type Doctor = { 
/**
 * In the order they were made.
 */
checks: Array<DoctorCheck>, 
/**
 * Host to type into a board.
 */
board_host: string, 
/**
 * Port to type into a board.
 */
board_port: number, };

export type DoctorCheck = { 
/**
 * What was looked at, such as `Port 1883`.
 */
name: string, 
/**
 * How it went.
 */
result: CheckResult, 
/**
 * What was found, in words.
 */
found: string, 
/**
 * What to do, with the exact command where there is one.
 */
advice: string | null, };

export type DroppedCount = { 
/**
 * Why, in words.
 */
why: string, 
/**
 * How many.
 */
count: number, };

export type Empty = Record<symbol, never>;

export type EnableAutomation = { 
/**
 * Automation id.
 */
id: string, 
/**
 * On or off.
 */
enabled: boolean, };

export type Entity = { 
/**
 * `device.entity`, made from the first names, such as `living.temperature`; never changes. Scripts
 * use it.
 */
id: string, 
/**
 * Device id.
 */
device: string, 
/**
 * Name shown: the owner's, or else the announced one, or else the device's.
 */
name: string, 
/**
 * The owner gave the name; announcements leave it alone.
 */
name_by_owner: boolean, 
/**
 * A person made it from a topic; announcements leave it alone.
 */
by_hand: boolean, 
/**
 * Unique within its device; (device, unique id) is the entity's identity.
 */
unique_id: string, 
/**
 * Kind.
 */
component: Component, 
/**
 * Name within the device; `None` means it is the device's one main thing. It is written
 * `announced_name` because an [`Entity`] has a `name` of its own beside it.
 */
announced_name: string | null, 
/**
 * Unit of measurement, normalised.
 */
unit: string | null, 
/**
 * Such as `temperature` or `door`.
 */
device_class: string | null, 
/**
 * `measurement`, `total` or `total_increasing`.
 */
state_class: string | null, 
/**
 * Such as `mdi:fan`.
 */
icon: string | null, 
/**
 * `config` or `diagnostic`; `None` for what the device is for.
 */
category: string | null, 
/**
 * Digits after the point that make sense to show.
 */
precision: number | null, 
/**
 * Choices, for a select.
 */
options: Array<string>, 
/**
 * Smallest value a command may carry.
 */
min: number | null, 
/**
 * Largest value a command may carry.
 */
max: number | null, 
/**
 * Step between values.
 */
step: number | null, 
/**
 * Seconds without a report after which the value is no longer believed.
 */
expire_after_s: number | null, 
/**
 * Seconds after which an on goes off by itself: the device only ever reports on.
 */
off_delay_s: number | null, 
/**
 * A report of the same value counts as a change.
 */
force_update: boolean, 
/**
 * There is no state topic: the state shown is what was last sent.
 */
assumed_state: boolean, 
/**
 * Where its state comes from.
 */
sources: Array<StateSource>, 
/**
 * How it is told, by what it is told: `turn_on`, `turn_off`, `set`, `press`, `set_brightness`.
 */
commands: { [key in string]: CommandSpec }, 
/**
 * How to tell that this entity is there, beside its device.
 */
availability: AvailabilitySpec, 
/**
 * What only its kind has.
 */
features?: Features, };

export type EntityCommand = { 
/**
 * Entity id.
 */
entity: string, 
/**
 * Its newest command.
 */
command: CommandState, };

export type EntityState = { 
/**
 * Entity id.
 */
entity: string, 
/**
 * The state.
 */
state: State, };

export type EntityView = { 
/**
 * The entity.
 */
entity: Entity, 
/**
 * Its state.
 */
state: State, 
/**
 * Its newest command since the start, or one that waits; `null` if there is none.
 */
command: CommandState | null, };

export type ErrorCode = "not_found" | "invalid" | "denied" | "conflict" | "busy" | "internal";

export type EventFeatures = { 
/**
 * The kinds of event.
 */
event_types: Array<string>, };

export type FanFeatures = { 
/**
 * Lowest speed but off, and highest speed, as the board counts them.
 */
speed_range: [number, number], 
/**
 * Presets.
 */
preset_modes: Array<string>, 
/**
 * Speeds that older firmwares have words for, from slow to fast.
 */
speeds: Array<string>, 
/**
 * The word for: the speed is not known.
 */
no_percentage: string, 
/**
 * The word for: no preset.
 */
no_preset_mode: string, 
/**
 * The words for oscillating and not.
 */
oscillation: [string, string], 
/**
 * It is taken for off once its board is there and until it says what it is, as Home Assistant does with a
 * Tasmota's; [`State::reported_ms`](crate::State::reported_ms) stays 0 until then.
 */
off_until_told: boolean, };

export type Features = { "of": "alarm" } & AlarmFeatures | { "of": "climate" } & ClimateFeatures | { "of": "cover" } & CoverFeatures | { "of": "event" } & EventFeatures | { "of": "fan" } & FanFeatures | { "of": "light" } & LightFeatures | { "of": "lock" } & LockFeatures | { "of": "picture" } & PictureFeatures | { "of": "siren" } & SirenFeatures | { "of": "text" } & TextFeatures | { "of": "vacuum" } & VacuumFeatures;

export type FindGone = { 
/**
 * Part of the client id, whatever the case.
 */
text: string, 
/**
 * How many at most; 5 when left out, at most 50.
 */
limit: number | null, };

export type FirmwareView = { 
/**
 * Id of its profile.
 */
id: string, 
/**
 * What it is called.
 */
name: string, 
/**
 * It takes settings over the network.
 */
network: boolean, 
/**
 * It takes settings over a serial console.
 */
serial: boolean, 
/**
 * Settings over the network bring it into a Wi-Fi network, so they need one.
 */
needs_wifi: boolean, 
/**
 * There is a text to paste into it.
 */
snippet: boolean, };

export type Firmwares = { 
/**
 * In order of name.
 */
firmwares: Array<FirmwareView>, };

export type Frame = { 
/**
 * Entities whose state changed, each with its newest state.
 */
states: Array<EntityState>, 
/**
 * Entities whose newest command came to another stage.
 */
commands: Array<EntityCommand>, 
/**
 * New or changed devices.
 */
devices: Array<Device>, 
/**
 * New or changed entities.
 */
entities: Array<Entity>, 
/**
 * Ids of devices that are gone.
 */
devices_removed: Array<string>, 
/**
 * Ids of entities that are gone.
 */
entities_removed: Array<string>, 
/**
 * The areas changed: ask for the home again.
 */
areas_changed: boolean, 
/**
 * Automations changed: ask for the list again.
 */
automations_changed: boolean, 
/**
 * Clients that just logged in.
 */
connected: Array<ClientView>, 
/**
 * Clients that just left, by id.
 */
disconnected: Array<string>, 
/**
 * Finished runs.
 */
runs: Array<RunRecord>, 
/**
 * What scripts said.
 */
script_log: Array<ScriptLogLine>, 
/**
 * New activity.
 */
activity: Array<ActivityLine>, 
/**
 * Too much happened at once and something was left out: ask for everything again.
 */
resync: boolean, };

export type GainedEntity = { 
/**
 * Its id afterwards.
 */
id: string, 
/**
 * Its name.
 */
name: string, 
/**
 * Kind.
 */
component: Component, };

export type Ghost = { 
/**
 * The message.
 */
retained: RetainedTopic, 
/**
 * Why it counts as one.
 */
reason: GhostReason, 
/**
 * The same in words.
 */
why: string, };

export type GhostReason = { "kind": "no_credential" } | { "kind": "away", 
/**
 * Last sign of it, UTC ms.
 */
since_ms: number, } | { "kind": "no_device" };

export type Ghosts = { 
/**
 * At most 5,000.
 */
ghosts: Array<Ghost>, 
/**
 * Days that were asked for.
 */
days: number, 
/**
 * There are more.
 */
more: boolean, };

export type GoneClient = { 
/**
 * MQTT client id.
 */
client_id: string, 
/**
 * When something was noted of it last, UTC ms.
 */
last_ms: number, 
/**
 * What.
 */
text: string, };

export type GoneClients = { 
/**
 * The newest first.
 */
clients: Array<GoneClient>, };

export type GuardRules = { 
/**
 * Most switches in any 60 seconds, 2 to 600, on and off counted alike; the last one is kept for off.
 */
switches_per_minute: number | null, 
/**
 * Seconds it stays off before it may go on again, at most 86,400.
 */
min_off_s: number | null, 
/**
 * Seconds it stays on before it may go off again, at most 86,400.
 */
min_on_s: number | null, 
/**
 * Name of its interlock: of all actuators with the same, one at most is on.
 */
interlock: string | null, };

export type GuardStanding = "present" | "away" | "removed";

export type GuardView = { 
/**
 * Entity id.
 */
entity: string, 
/**
 * Whether it is there.
 */
standing: GuardStanding, 
/**
 * It is of a kind that switches, and takes commands.
 */
can_be_guarded: boolean, 
/**
 * Its limits.
 */
rules: GuardRules, 
/**
 * The device says by itself whether it is on; else it is taken for what it was told.
 */
reports: boolean, 
/**
 * How often it was switched in the last minute, as far as it is guarded.
 */
switches: number, 
/**
 * The other entities of its interlock, by id.
 */
interlocked: Array<string>, 
/**
 * What was held back since the start, the newest first, at most 20.
 */
held: Array<HeldCommand>, };

export type Guarded = { 
/**
 * Entity id.
 */
entity: string, 
/**
 * The entity as it is, or was announced last; none when its owner removed it.
 */
last: Entity | null, 
/**
 * Whether it is there.
 */
standing: GuardStanding, 
/**
 * Its limits.
 */
rules: GuardRules, };

export type Guards = { 
/**
 * In order of entity id.
 */
guards: Array<Guarded>, };

export type HandOverDevice = { 
/**
 * The device, by id.
 */
device: string, 
/**
 * User name of the credential the board has now.
 */
user: string, };

export type HandedOver = { 
/**
 * The device.
 */
device: Device, 
/**
 * Its former credential, which is revoked.
 */
revoked: string | null, 
/**
 * Why that is kept, in words, if it is.
 */
keeps: string | null, };

export type HealthFact = { 
/**
 * What it is.
 */
role: HealthRole, 
/**
 * Its value, as it is shown.
 */
value: string, 
/**
 * Unit, if it has one.
 */
unit: string | null, 
/**
 * The entity that tells it; `null` when the announcement did.
 */
entity: string | null, };

export type HealthFinding = { 
/**
 * What it is about.
 */
kind: HealthKind, 
/**
 * How bad.
 */
level: HealthLevel, 
/**
 * What is the matter, with the figures.
 */
what: string, 
/**
 * What to do about it.
 */
advice: string, 
/**
 * The figures behind it, in order of time; at most 200.
 */
samples: Array<HealthSample>, 
/**
 * Their unit.
 */
unit: string, 
/**
 * A straight line through them: its two ends.
 */
line: [HealthSample, HealthSample] | null, };

export type HealthKind = "restart_loop" | "falling_heap" | "weak_signal" | "battery" | "flapping";

export type HealthLevel = "fine" | "notice" | "warning" | "danger";

export type HealthMark = { 
/**
 * Device id.
 */
device: string, 
/**
 * The worst of its findings: at least `notice`.
 */
level: HealthLevel, 
/**
 * How many findings of at least `notice` there are.
 */
count: number, 
/**
 * The worst finding in words.
 */
what: string, };

export type HealthMarks = { 
/**
 * By device id. Looked at in turn, so a new trouble shows after some minutes.
 */
marks: Array<HealthMark>, };

export type HealthRole = "signal" | "signal_percent" | "uptime" | "started" | "heap" | "battery" | "restart_reason" | "ip" | "mac" | "firmware";

export type HealthSample = { 
/**
 * UTC ms.
 */
time_ms: number, 
/**
 * Value.
 */
value: number, };

export type HeldCommand = { 
/**
 * The last time, UTC ms.
 */
time_ms: number, 
/**
 * Which limit it would have broken, in words.
 */
why: string, 
/**
 * Client id of whoever published it, or the part of Hearth, such as `Hearth (command)`.
 */
by: string, 
/**
 * How often.
 */
count: number, };

export type HomeSnapshot = { 
/**
 * Registered devices.
 */
devices: Array<Device>, 
/**
 * Their entities with their states.
 */
entities: Array<EntityView>, 
/**
 * Areas, in the owner's order.
 */
areas: Array<Area>, };

export type Info = { 
/**
 * Version of Hearth.
 */
version: string, 
/**
 * Where everything is kept.
 */
data_dir: string, 
/**
 * Addresses the broker listens on for plain MQTT.
 */
mqtt: Array<string>, 
/**
 * Address for MQTT over TLS, when that is open.
 */
mqtts: string | null, 
/**
 * Address for MQTT over WebSocket, when that is open.
 */
ws: string | null, 
/**
 * Address for MQTT over secure WebSocket, when that is open.
 */
wss: string | null, 
/**
 * Host and port to type into a board.
 */
board_host: string, 
/**
 * MQTT port to type into a board.
 */
board_port: number, 
/**
 * Why boards cannot reach that address, if they cannot.
 */
board_warning: string | null, 
/**
 * Address of the HTTP door, if it is open.
 */
http: string | null, 
/**
 * When the hub started, UTC ms.
 */
started_ms: number, 
/**
 * The hub's clock, UTC ms.
 */
now_ms: number, 
/**
 * The demo home is running.
 */
demo: boolean, 
/**
 * Numbers to watch.
 */
counters: Counters, 
/**
 * What is not as it should be, in words; empty when all is well.
 */
troubles: Array<string>, };

export type Interlock = { 
/**
 * Its name.
 */
name: string, 
/**
 * Entity ids.
 */
entities: Array<string>, };

export type Interlocks = { 
/**
 * In order of name.
 */
interlocks: Array<Interlock>, };

export type JoinWifi = { 
/**
 * Serial port.
 */
serial: string, 
/**
 * Name of the network.
 */
ssid: string, 
/**
 * Its password.
 */
password: Password, };

export type JoinedWifi = { 
/**
 * Its web page, if it said so.
 */
url: string | null, 
/**
 * The candidate it is now, if its web page was recognised.
 */
candidate: number | null, };

export type LastReading = { 
/**
 * The reading; `null` if there is none.
 */
reading: Reading | null, };

export type Learn = { 
/**
 * Credential.
 */
name: string, 
/**
 * Begin, or end.
 */
on: boolean, };

export type Learned = { 
/**
 * Credential.
 */
name: string, 
/**
 * Learning now.
 */
on: boolean, 
/**
 * Since when, UTC ms.
 */
since_ms: number | null, 
/**
 * When it ends by itself, UTC ms.
 */
until_ms: number | null, 
/**
 * Topics it published to, in order.
 */
written: Array<LearnedTopic>, 
/**
 * Filters it subscribed to, in order.
 */
read: Array<LearnedTopic>, 
/**
 * More was seen than is remembered; the proposal may be too tight.
 */
incomplete: boolean, 
/**
 * The tightest permissions that cover all of it.
 */
proposal: Permissions, };

export type LearnedTopic = { 
/**
 * Topic it published to, or filter it subscribed to.
 */
topic: string, 
/**
 * How many times that was noticed; at least once per connection.
 */
count: number, 
/**
 * The last time, UTC ms.
 */
last_ms: number, 
/**
 * Whether the present permissions allow it without learning.
 */
allowed: boolean, };

export type Level = "info" | "warning" | "error";

export type LightFeatures = { 
/**
 * How it speaks.
 */
schema: LightSchema, 
/**
 * The ways it can shine in, sorted by name.
 */
color_modes: Array<ColorMode>, 
/**
 * It tells which of them it is in.
 */
reports_color_mode: boolean, 
/**
 * It takes a brightness of its own beside the colour.
 */
brightness: boolean, 
/**
 * It tells its brightness beside the colour.
 */
reports_brightness: boolean, 
/**
 * What the board calls full brightness.
 */
brightness_scale: number, 
/**
 * What the board calls full white.
 */
white_scale: number, 
/**
 * The board counts colour temperature in kelvin; else in mireds.
 */
kelvin: boolean, 
/**
 * Warmest, kelvin.
 */
min_kelvin: number, 
/**
 * Coldest, kelvin.
 */
max_kelvin: number, 
/**
 * It has effects.
 */
effects: boolean, 
/**
 * Which message switches it on.
 */
on_command: OnCommand, 
/**
 * It takes the time in which it is to change.
 */
transition: boolean, 
/**
 * How long a short and a long flash last, seconds, if it can flash.
 */
flash_s: [number, number] | null, 
/**
 * It is taken for off once its board is there and until it says what it is, as Home Assistant does with a
 * Tasmota's; [`State::reported_ms`](crate::State::reported_ms) stays 0 until then.
 */
off_until_told: boolean, };

export type LightSchema = "basic" | "json" | "template" | "line";

export type LimitView = { 
/**
 * Its name, such as `connections_max`.
 */
name: string, 
/**
 * What it bounds and what happens there, in words.
 */
help: string, 
/**
 * Unit: `messages`, `bytes`, `ms`, `s`, `per_s`, `count`, `days`.
 */
unit: string, 
/**
 * Its value for this run.
 */
value: number, 
/**
 * What it will be at the next start, if that was changed.
 */
next: number | null, 
/**
 * Its default.
 */
default: number, 
/**
 * Least value.
 */
min: number, 
/**
 * Greatest value.
 */
max: number, };

export type ListActivity = { 
/**
 * Only lines before this id.
 */
before: number | null, 
/**
 * At most this many; 100 unless said otherwise, at most 1,000.
 */
limit: number | null, };

export type ListDeviceLog = { 
/**
 * Device id.
 */
id: string, 
/**
 * Only lines before this id.
 */
before: number | null, 
/**
 * At most this many; 50 unless said otherwise, at most 500.
 */
limit: number | null, };

export type ListGhosts = { 
/**
 * Days without a sign of a board after which it counts as gone: 1 to 3,650, 30 unless said otherwise.
 */
days: number | null, };

export type ListRefusals = { 
/**
 * Only of this client.
 */
client_id: string | null, 
/**
 * Only of this credential.
 */
user: string | null, 
/**
 * Only those whose client id, credential or address contains this text, in any case.
 */
search: string | null, 
/**
 * At most this many; 100 unless said, 1,000 at most.
 */
limit: number | null, };

export type ListRuns = { 
/**
 * Only of this automation.
 */
automation: string | null, 
/**
 * Only runs that started before, UTC ms.
 */
before_ms: number | null, 
/**
 * At most this many; 50 unless said otherwise, at most 200.
 */
limit: number | null, };

export type ListTopics = { 
/**
 * Only topics that contain this text, whatever the case.
 */
search: string | null, 
/**
 * Only topics after this one, in order of name.
 */
after: string | null, 
/**
 * At most this many; 5,000 unless said otherwise, at most 50,000.
 */
limit: number | null, };

export type ListenerView = { 
/**
 * Way in.
 */
transport: Transport, 
/**
 * Switched on.
 */
on: boolean, 
/**
 * Address and port as they were set.
 */
address: string, 
/**
 * Address and port it listens on now; `null` when it does not.
 */
listening: string | null, 
/**
 * Why it does not listen although it is switched on, and what to do.
 */
trouble: string | null, 
/**
 * What clients of this way in connect to, such as `mqtts://192.168.1.7:8883`.
 */
url: string | null, 
/**
 * The address was given on the command line, which goes before the setting at each start. Setting the
 * listener holds at once all the same.
 */
from_command_line: boolean, };

export type LockFeatures = { 
/**
 * Regular expression that a code begins with; without a match nothing is sent. `None` if any will do.
 */
code_format: string | null, };

export type LostEntity = { 
/**
 * Its id.
 */
id: string, 
/**
 * Its name.
 */
name: string, 
/**
 * Kind.
 */
component: Component, };

export type MatchBy = "unique_id" | "name" | "kind";

export type MatchedEntity = { 
/**
 * Its id, before and after.
 */
id: string, 
/**
 * Its name, before and after.
 */
name: string, 
/**
 * Kind.
 */
component: Component, 
/**
 * What the new board calls it.
 */
from_name: string, 
/**
 * Its id until now.
 */
from: string, 
/**
 * How it was found.
 */
by: MatchBy, };

export type MdnsView = { 
/**
 * Switched on.
 */
on: boolean, 
/**
 * What is announced, such as `hearth._mqtt._tcp.local`; `null` when nothing is.
 */
announced: string | null, 
/**
 * Host name boards can use, such as `myhost.local`.
 */
host: string | null, 
/**
 * Why nothing is announced, if it should be.
 */
trouble: string | null, };

export type Messages = { 
/**
 * Newest first.
 */
messages: Array<TopicMessage>, };

export type MoveDevice = { 
/**
 * Device id.
 */
id: string, 
/**
 * Area id; `null` takes it out.
 */
area: string | null, };

export type MoveDevices = { 
/**
 * Device ids.
 */
ids: Array<string>, 
/**
 * Area id; `null` takes them out.
 */
area: string | null, };

export type Named = { 
/**
 * The name, 1 to 100 characters.
 */
name: string, };

export type NewCredential = { 
/**
 * User name.
 */
user: string, 
/**
 * Secret.
 */
secret: string, 
/**
 * What it may write and read.
 */
permissions: Permissions, };

export type OnCommand = "last" | "first" | "brightness";

export type OpenPairing = { 
/**
 * For how many seconds; two minutes at most, and unless said otherwise.
 */
seconds: number | null, };

export type PairingProgress = { 
/**
 * Its number.
 */
id: number, 
/**
 * Name of the board.
 */
name: string, 
/**
 * User name of its credential.
 */
user: string, 
/**
 * Firmware profile.
 */
firmware: string, 
/**
 * Where the board is, if that is known.
 */
address: string | null, 
/**
 * Port of its web page, where that is not 80.
 */
http_port: number | null, 
/**
 * Serial port it hangs at.
 */
serial: string | null, 
/**
 * Number of the candidate it was.
 */
candidate: number | null, 
/**
 * How it is brought in.
 */
way: PairingWay, 
/**
 * Area for its device.
 */
area: string | null, 
/**
 * The device it is already, by its MAC address: it gets new access and stays that.
 */
device: string | null, 
/**
 * A device of another credential that it speaks of: if it is the same board, `hand_over_device` makes it that.
 */
claims: string | null, 
/**
 * Why its former access is kept, in words, if it is.
 */
keeps: string | null, 
/**
 * Where it stands.
 */
stage: PairingStage, 
/**
 * Where it stood before it failed, if it did; else the same.
 */
reached: PairingStage, 
/**
 * The same in words; why it failed and what to do, if it did.
 */
text: string, 
/**
 * It failed because the board wants its own password, or another one.
 */
wants_password: boolean, 
/**
 * Until when the board has to log in, UTC ms.
 */
until_ms: number | null, 
/**
 * Began, UTC ms.
 */
begun_ms: number, 
/**
 * Ended, UTC ms.
 */
ended_ms: number | null, };

export type PairingStage = "minting" | "handing_over" | "waiting" | "keeping" | "revoking" | "paired" | "failed";

export type PairingView = { 
/**
 * Until when the window is open, UTC ms.
 */
open_until_ms: number | null, 
/**
 * Who may be paired, the one that was seen first first.
 */
candidates: Array<CandidateView>, 
/**
 * Clients that came when there was no room for more.
 */
turned_away: number, 
/**
 * Pairings under way, and those that ended lately; the newest last.
 */
pairings: Array<PairingProgress>, 
/**
 * The search of the network, if one is under way.
 */
search: SearchView | null, 
/**
 * The range that is searched unless another is said, such as `192.168.1.0/24`; none when this computer is in no
 * network of a home.
 */
network: string | null, };

export type PairingWay = "push" | "as_it_is";

export type Password = string;

export type PayloadEncoding = "text" | "hex";

export type Permissions = { 
/**
 * Topics it may publish to, wills included.
 */
write: Array<TopicFilter>, 
/**
 * Topics it may receive.
 */
read: Array<TopicFilter>, };

export type PictureData = { 
/**
 * About it.
 */
picture: PictureView, 
/**
 * The picture in base64.
 */
base64: string, };

export type PictureFeatures = { 
/**
 * Topic; each message is a picture.
 */
topic: string, 
/**
 * They are written in base64.
 */
base64: boolean, };

export type PictureList = { 
/**
 * The newest first.
 */
pictures: Array<PictureView>, 
/**
 * So many are kept.
 */
keep: number, };

export type PictureSettings = { 
/**
 * Of each entity.
 */
keep: number, 
/**
 * Bytes of all together; above it the oldest go first.
 */
bytes: number, };

export type PictureView = { 
/**
 * Its id: that of the message it came in.
 */
id: number, 
/**
 * When it came, UTC ms.
 */
time_ms: number, 
/**
 * Such as `image/jpeg`.
 */
media_type: string, 
/**
 * Its length.
 */
bytes: number, };

export type PointedBoard = { 
/**
 * Its name.
 */
name: string, 
/**
 * Firmware profile.
 */
firmware: string, 
/**
 * It took the new address.
 */
told: boolean, 
/**
 * How, or why not and what to do.
 */
text: string, };

export type PointedBoards = { 
/**
 * The address they were told.
 */
address: string, 
/**
 * One by one.
 */
boards: Array<PointedBoard>, };

export type ProfileCheck = { 
/**
 * Id of the firmware, if it can be read.
 */
id: string | null, 
/**
 * Its name.
 */
name: string | null, 
/**
 * What its samples cover.
 */
samples: Array<ProfileSample>, 
/**
 * The messages of its samples, in the same order, to be tried.
 */
plays: Array<ProfilePlay>, 
/**
 * What is wrong with it.
 */
faults: Array<ProfileFault>, };

export type ProfileDetail = { 
/**
 * About it.
 */
profile: ProfileView, 
/**
 * The file as it is.
 */
source: string, };

export type ProfileFault = { 
/**
 * Line, from 1, when known.
 */
line: number | null, 
/**
 * Character in it, from 1.
 */
column: number | null, 
/**
 * That line.
 */
text: string | null, 
/**
 * What is wrong and what to do about it.
 */
message: string, };

export type ProfileList = { 
/**
 * Those of the owner first.
 */
profiles: Array<ProfileView>, 
/**
 * Folder of the owner's files.
 */
folder: string, };

export type ProfileOrigin = "built_in" | "own" | "overrides";

export type ProfilePlay = { 
/**
 * Name of the sample.
 */
name: string, 
/**
 * The messages, the first first.
 */
messages: Array<TryMessage>, };

export type ProfileSample = { 
/**
 * Its name.
 */
name: string, 
/**
 * Messages it plays.
 */
messages: number, 
/**
 * Entities it looks at.
 */
entities: number, 
/**
 * Commands it gives.
 */
commands: number, };

export type ProfileSource = { 
/**
 * Its text.
 */
source: string, };

export type ProfileTrial = { 
/**
 * Why the draft cannot be tried, if it cannot.
 */
faults: Array<ProfileFault>, 
/**
 * What each message led to.
 */
messages: Array<TriedMessage>, 
/**
 * The devices after all of them.
 */
devices: Array<Device>, 
/**
 * Their entities.
 */
entities: Array<TriedEntity>, 
/**
 * What their commands would send.
 */
commands: Array<TriedCommand>, 
/**
 * False if time ran out before all was tried.
 */
is_whole: boolean, };

export type ProfileView = { 
/**
 * What it is asked for by: the name of the owner's file, or the id of one that comes with Hearth.
 */
key: string, 
/**
 * Id of the firmware; `null` for a file that never could be read.
 */
id: string | null, 
/**
 * Name of the firmware, or of a file that cannot be read.
 */
name: string, 
/**
 * Versions it was written for, in words.
 */
versions: string | null, 
/**
 * Where it comes from.
 */
origin: ProfileOrigin, 
/**
 * The owner's file, in the folder.
 */
file: string | null, 
/**
 * It is in use: this version, or an earlier one when the file has faults.
 */
is_used: boolean, 
/**
 * What is wrong with the file as it is now.
 */
faults: Array<ProfileFault>, 
/**
 * What its own samples cover.
 */
samples: Array<ProfileSample>, 
/**
 * Devices it describes.
 */
devices: number, };

export type Proposal = { 
/**
 * Credential.
 */
name: string, 
/**
 * Whether it is about writing (publishing), or about reading (subscribing and receiving).
 */
write: boolean, 
/**
 * Topic filter.
 */
filter: string, };

export type ProposalView = { 
/**
 * Its id; stays while the board publishes as the same user under the same topics.
 */
id: string, 
/**
 * What its topics begin with; empty when they have nothing in common.
 */
root: string, 
/**
 * Suggested name.
 */
name: string, 
/**
 * Credential it publishes with.
 */
user: string, 
/**
 * Client id it published with last.
 */
client_id: string, 
/**
 * Device that was already made of its topics, to which this would be added.
 */
device: string | null, 
/**
 * Area whose name stands in its topics.
 */
area: string | null, 
/**
 * How it tells that it is there.
 */
presence: ProposedPresence | null, 
/**
 * Its entities.
 */
entities: Array<ProposedEntity>, 
/**
 * Entities that are left off, because there are too many.
 */
more_entities: number, 
/**
 * First message looked at, UTC ms.
 */
since_ms: number, 
/**
 * Last message, UTC ms.
 */
last_ms: number, };

export type Proposals = { 
/**
 * The proposals, the one that spoke last first.
 */
proposals: Array<ProposalView>, 
/**
 * Proposals that are left off, because there are too many. Those that spoke last are here.
 */
more: number, 
/**
 * Topics that were not looked at, because there are too many. Those that spoke last were.
 */
topics_left_off: number, 
/**
 * What was dismissed, the newest first.
 */
dismissed: Array<DismissedProposal>, };

export type ProposedEntity = { 
/**
 * Names it within its proposal.
 */
key: string, 
/**
 * Suggested name.
 */
name: string, 
/**
 * Kind.
 */
component: Component, 
/**
 * Unit, if any.
 */
unit: string | null, 
/**
 * Such as `temperature`.
 */
device_class: string | null, 
/**
 * `measurement` or `total_increasing`, of a number.
 */
state_class: string | null, 
/**
 * Topic that brings its value.
 */
topic: string, 
/**
 * Path in a JSON payload.
 */
path: string | null, 
/**
 * Topic that tells it something.
 */
command_topic: string | null, 
/**
 * How sure it is.
 */
confidence: Confidence, 
/**
 * It is made unless the person says otherwise.
 */
wanted: boolean, 
/**
 * Reasons, each a sentence.
 */
why: Array<string>, 
/**
 * Newest values, newest first.
 */
samples: Array<ProposedSample>, 
/**
 * Messages of its topic the journal knows.
 */
messages: number, 
/**
 * First message looked at, UTC ms.
 */
since_ms: number, 
/**
 * Last message, UTC ms.
 */
last_ms: number, };

export type ProposedPresence = { 
/**
 * Topic.
 */
topic: string, 
/**
 * Payload while it is there.
 */
online: string, 
/**
 * Payload when it is gone.
 */
offline: string, 
/**
 * Why that is believed.
 */
why: string, };

export type ProposedSample = { 
/**
 * When, UTC ms.
 */
time_ms: number, 
/**
 * What.
 */
value: string, };

export type Publish = { 
/**
 * Topic.
 */
topic: string, 
/**
 * Payload, written as `encoding` says.
 */
payload: string, 
/**
 * How the payload is written.
 */
encoding: PayloadEncoding, 
/**
 * QoS; 0 unless said otherwise.
 */
qos: QoS, 
/**
 * Whether to retain it.
 */
retain: boolean, };

export type Published = { 
/**
 * Its journal id.
 */
id: number, };

export type Publisher = { 
/**
 * Name of the credential; [`Publisher::HUB`] for Hearth itself.
 */
user: string, 
/**
 * MQTT client id; for Hearth itself the part that spoke, such as `automation/heating`.
 */
client_id: string, };

export type QoS = number;

export type Reading = { 
/**
 * Entity id.
 */
entity: string, 
/**
 * When the gate accepted the message, UTC ms.
 */
time_ms: number, 
/**
 * Journal id of the message it came from.
 */
message_id: number, 
/**
 * The value.
 */
value: Value, };

export type Readings = { 
/**
 * In order of time.
 */
readings: Array<Reading>, 
/**
 * There are more in the span than the limit let through.
 */
more: boolean, };

export type ReadingsBuckets = { 
/**
 * Entity id.
 */
entity: string, 
/**
 * From, UTC ms, inclusive.
 */
from_ms: number, 
/**
 * To, UTC ms, exclusive.
 */
to_ms: number, 
/**
 * About how many buckets to divide the span into: 1 to 5,000.
 */
points: number, };

export type ReadingsRange = { 
/**
 * Entity id.
 */
entity: string, 
/**
 * From, UTC ms, inclusive.
 */
from_ms: number, 
/**
 * To, UTC ms, exclusive.
 */
to_ms: number, 
/**
 * At most this many, the oldest first; 10,000 unless said otherwise, at most 100,000.
 */
limit: number | null, };

export type Refusal = { 
/**
 * Rises with each new one.
 */
id: number, 
/**
 * What.
 */
kind: RefusalKind, 
/**
 * The first time, UTC ms.
 */
first_ms: number, 
/**
 * The last time, UTC ms.
 */
last_ms: number, 
/**
 * How often.
 */
count: number, 
/**
 * MQTT client id, if it was said.
 */
client_id: string | null, 
/**
 * Credential, if it was said.
 */
user: string | null, 
/**
 * Remote address without the port, if known.
 */
address: string | null, 
/**
 * Topic or topic filter, for publish, subscribe, receive, will and guard.
 */
topic: string | null, 
/**
 * Why, in words: the rule that said no.
 */
why: string, 
/**
 * What to do about it, in words.
 */
advice: string, 
/**
 * The smallest rule that would allow it; `null` where a rule would not help.
 */
proposal: Proposal | null, 
/**
 * The present rules allow it: there is nothing left to do.
 */
settled: boolean, };

export type RefusalKind = "login" | "publish" | "subscribe" | "receive" | "protocol" | "limit" | "will" | "duplicate" | "guard";

export type Refusals = { 
/**
 * Newest first.
 */
refusals: Array<Refusal>, };

export type RemoveDevice = { 
/**
 * Its id.
 */
id: string, 
/**
 * Leaves its credential in force; else that is revoked if nobody else uses it.
 */
keep_credential: boolean, };

export type RemoveDevices = { 
/**
 * Their ids; one that is named twice counts once.
 */
ids: Array<string>, 
/**
 * Leaves their credentials in force; else those are revoked that nobody else uses.
 */
keep_credentials: boolean, };

export type RemovedDevices = { 
/**
 * Names of those that were revoked.
 */
revoked: Array<string>, 
/**
 * Why others are kept, a sentence each.
 */
keeps: Array<string>, };

export type Rename = { 
/**
 * Its id.
 */
id: string, 
/**
 * The new name, 1 to 100 characters.
 */
name: string, };

export type RenameDevices = { 
/**
 * Each by its id.
 */
names: Array<Rename>, };

export type RenewSecret = { 
/**
 * Its name.
 */
name: string, 
/**
 * A secret the owner chose; `null` makes one of 128 bits or more.
 */
secret: string | null, };

export type ReplaceDevice = { 
/**
 * The device to keep, by id: the one whose board is broken.
 */
old: string, 
/**
 * The device the new board announced, by id. It is no device of its own afterwards.
 */
new: string, };

export type ReplacePreview = { 
/**
 * The device that is kept.
 */
old: Device, 
/**
 * What the new board announced.
 */
new: Device, 
/**
 * Entities that go on.
 */
matched: Array<MatchedEntity>, 
/**
 * Entities the new board does not have. They are removed; their readings stay and go on if the board announces
 * such an entity later.
 */
lost: Array<LostEntity>, 
/**
 * Entities the old board did not have.
 */
gained: Array<GainedEntity>, 
/**
 * Entities made by hand, which stay as they are.
 */
by_hand: Array<LostEntity>, 
/**
 * The credential of the old board, which is revoked.
 */
revokes: string | null, 
/**
 * Why the old board keeps its credential, if it has one and does.
 */
keeps: string | null, 
/**
 * What the old board leaves retained.
 */
retained: Array<RetainedTopic>, };

export type Replaced = { 
/**
 * The device that was kept.
 */
device: Device, 
/**
 * The credential that was revoked.
 */
revoked: string | null, 
/**
 * What the old board left retained, to be cleared with `clear_ghosts`.
 */
retained: Array<RetainedTopic>, };

export type RestoreRetained = { 
/**
 * Their journal ids; at most 5,000.
 */
message_ids: Array<number>, };

export type RestoredTopics = { 
/**
 * Topics that have their message again. Where something newer is retained, that stays.
 */
restored: Array<string>, 
/**
 * Messages the journal no longer has.
 */
gone: number, };

export type RetainedKind = "announcement" | "heard" | "other";

export type RetainedTopic = { 
/**
 * Topic.
 */
topic: string, 
/**
 * Journal id.
 */
message_id: number, 
/**
 * Sent, UTC ms.
 */
time_ms: number, 
/**
 * Length of the payload.
 */
bytes: number, 
/**
 * The credential that sent it.
 */
user: string, 
/**
 * What it is to Hearth.
 */
kind: RetainedKind, 
/**
 * The device it belongs to, by id.
 */
device: string | null, };

export type RunAction = { "kind": "publish", 
/**
 * Topic.
 */
topic: string, 
/**
 * Payload as text, cut at 1 KiB.
 */
payload: string, 
/**
 * Retained or not.
 */
retain: boolean, } | { "kind": "command", 
/**
 * Entity id.
 */
entity: string, 
/**
 * Verb, such as `turn_on`.
 */
verb: string, 
/**
 * Its argument, if any.
 */
value: Value | null, } | { "kind": "refused", 
/**
 * What, as written in the script.
 */
what: string, 
/**
 * Why not, and what to do.
 */
why: string, };

export type RunLogLine = { 
/**
 * UTC ms.
 */
time_ms: number, 
/**
 * `info` or `warning`.
 */
level: string, 
/**
 * The text, cut at 4 KiB.
 */
text: string, };

export type RunRecord = { 
/**
 * Unique id.
 */
id: string, 
/**
 * The automation.
 */
automation: string, 
/**
 * Start, UTC ms.
 */
started_ms: number, 
/**
 * How long it ran, µs.
 */
duration_us: number, 
/**
 * Operations used.
 */
operations: number, 
/**
 * What set it off.
 */
trigger: RunTrigger, 
/**
 * Why that happened, when known.
 */
cause: Cause | null, 
/**
 * What it said.
 */
log: Array<RunLogLine>, 
/**
 * What it did, in order.
 */
actions: Array<RunAction>, 
/**
 * Why it stopped short, if it did. Actions before that line were still carried out.
 */
error: ScriptError | null, };

export type RunTrigger = { 
/**
 * The trigger as written, such as `topic("a/+")` or `above("living.temperature", 25)`.
 */
trigger: string, 
/**
 * Line of the script where it stands, from 1.
 */
line: number | null, 
/**
 * Topic of the message, for a message trigger.
 */
topic: string | null, 
/**
 * Payload of the message as text, cut at 1 KiB.
 */
payload: string | null, 
/**
 * Entity, for a state trigger.
 */
entity: string | null, 
/**
 * Its value before.
 */
old: Value | null, 
/**
 * Its value now.
 */
value: Value | null, 
/**
 * Journal id of the message behind it.
 */
message_id: number | null, };

export type Runs = { 
/**
 * Newest first.
 */
runs: Array<RunRecord>, };

export type SaveAutomation = { 
/**
 * The automation to change; `null` makes a new one, named after `name`.
 */
id: string | null, 
/**
 * Name for a new one.
 */
name: string | null, 
/**
 * The script. One with an error is kept, and the version before goes on running.
 */
source: string, };

export type SaveProfile = { 
/**
 * Its text, without faults.
 */
source: string, 
/**
 * The owner's file to write; unless given, the one that has this profile, or a new one.
 */
file: string | null, };

export type ScriptCheck = { 
/**
 * What it waits for.
 */
triggers: Array<string>, 
/**
 * Its first error.
 */
error: ScriptError | null, 
/**
 * What looks wrong but may run.
 */
warnings: Array<ScriptError>, };

export type ScriptError = { 
/**
 * What happened and what to do about it.
 */
message: string, 
/**
 * Line, from 1, when known.
 */
line: number | null, 
/**
 * Column, from 1, when known.
 */
column: number | null, };

export type ScriptFunction = { 
/**
 * Name.
 */
name: string, 
/**
 * As it is written, such as `publish(topic, value)`.
 */
signature: string, 
/**
 * What it does.
 */
help: string, };

export type ScriptFunctions = { 
/**
 * In order of name.
 */
functions: Array<ScriptFunction>, };

export type ScriptLogLine = { 
/**
 * The automation.
 */
automation: string, 
/**
 * The line.
 */
line: RunLogLine, };

export type ScriptSource = { 
/**
 * The script.
 */
source: string, };

export type SearchLan = { 
/**
 * Also try each address of a range: Tasmota cannot be found otherwise.
 */
sweep: boolean, 
/**
 * The range, 256 addresses at most, such as `192.168.1.0/24`; the network of this computer unless said
 * otherwise.
 */
range: string | null, 
/**
 * Port to try; 80 unless said otherwise.
 */
port: number | null, };

export type SearchView = { 
/**
 * Addresses tried.
 */
tried: number, 
/**
 * Addresses to try.
 */
all: number, };

export type SerialPortView = { 
/**
 * Name, such as `/dev/ttyUSB0`.
 */
name: string, 
/**
 * What hangs there, as far as USB tells.
 */
description: string, };

export type SerialPorts = { 
/**
 * In order of name.
 */
ports: Array<SerialPortView>, };

export type SetGuard = { 
/**
 * Entity id.
 */
entity: string, 
/**
 * The limits; what is left out or `null` is not limited.
 */
rules: GuardRules, };

export type SetLimit = { 
/**
 * Its name.
 */
name: string, 
/**
 * The new value; `null` for the default.
 */
value: number | null, };

export type SetListener = { 
/**
 * Way in.
 */
transport: Transport, 
/**
 * On or off.
 */
on: boolean, 
/**
 * Address and port, such as `0.0.0.0:8883`.
 */
address: string, };

export type SetPermissions = { 
/**
 * Credential.
 */
name: string, 
/**
 * What it may write and read; `%u` and `%c` stand for user and client id.
 */
permissions: Permissions, };

export type Setting = { 
/**
 * Name.
 */
key: string, 
/**
 * Value; `null` is the default.
 */
value: unknown, };

export type SirenFeatures = { 
/**
 * Its tones.
 */
tones: Array<string>, 
/**
 * It takes a duration.
 */
duration: boolean, 
/**
 * It takes a volume.
 */
volume: boolean, };

export type Snippet = { 
/**
 * Where it goes, such as `Tasmota console`.
 */
title: string, 
/**
 * `text`, `yaml` or `cpp`.
 */
language: string, 
/**
 * The text.
 */
text: string, };

export type State = { 
/**
 * The value; `None` is unknown.
 */
value: Value | null, 
/**
 * Whether the device is there.
 */
availability: Availability, 
/**
 * Further fields by name, such as `brightness`.
 */
attributes?: Record<string, unknown>, 
/**
 * When value or availability last became what it is, UTC ms; 0 before the first report.
 */
since_ms: number, 
/**
 * When the device last said anything about it, UTC ms; 0 before the first report.
 */
reported_ms: number, 
/**
 * Topic of the message that last set it.
 */
topic: string | null, 
/**
 * Journal id of that message.
 */
message_id: number | null, 
/**
 * Why it changed, when known.
 */
cause: Cause | null, };

export type StateSource = { 
/**
 * Topic filter that brings it.
 */
topic: string, 
/**
 * Template over `value` and `value_json`; the whole payload if there is none.
 */
template: string | null, 
/**
 * What it sets: the state (when empty) or the attribute of this name; `*` makes every member of a JSON
 * object an attribute.
 */
field: string, 
/**
 * Texts that stand for a value, such as `ON` for on. Texts that are not listed change nothing when
 * this is not empty.
 */
map: { [key in string]: Value }, };

export type SubscriptionView = { 
/**
 * The filter as the client wrote it, `$share/…` included.
 */
filter: string, 
/**
 * Highest QoS it wants.
 */
qos: number, 
/**
 * MQTT 5: its own messages are not sent back.
 */
no_local: boolean, 
/**
 * MQTT 5: the identifier its messages carry.
 */
identifier: number | null, };

export type Switch = { 
/**
 * On.
 */
on: boolean, };

export type TextFeatures = { 
/**
 * Regular expression the whole text has to match.
 */
pattern: string | null, 
/**
 * It is not to be shown.
 */
password: boolean, };

export type TlsSettings = { 
/**
 * Records of at most 512 bytes, for boards with small buffers such as an ESP8266. Off unless switched on: an
 * ESP32 with Mbed TLS before 3.6.3 cannot read a handshake that is spread over several records.
 */
small_records: boolean, 
/**
 * What a client's certificate is for.
 */
client_certificates: ClientCertificates, };

export type TopicFilter = string;

export type TopicFrame = { 
/**
 * The newest message of each topic that had one.
 */
messages: Array<TopicMessage>, 
/**
 * How many messages arrived in all.
 */
count: number, };

export type TopicHistory = { 
/**
 * Topic or topic filter.
 */
topic: string, 
/**
 * Only messages before this journal id.
 */
before: number | null, 
/**
 * At most this many; 100 unless said otherwise, at most 1,000.
 */
limit: number | null, };

export type TopicMessage = { 
/**
 * Journal id.
 */
id: number, 
/**
 * UTC ms.
 */
time_ms: number, 
/**
 * Topic.
 */
topic: string, 
/**
 * Payload, written as `encoding` says, cut at 16 KiB.
 */
payload: string, 
/**
 * How the payload is written.
 */
encoding: PayloadEncoding, 
/**
 * Length of the whole payload, bytes.
 */
bytes: number, 
/**
 * QoS it was published with.
 */
qos: QoS, 
/**
 * Retained.
 */
retain: boolean, 
/**
 * Who sent it.
 */
publisher: Publisher, 
/**
 * Why, when known.
 */
cause: Cause | null, };

export type TopicView = { 
/**
 * How many messages the journal holds of it.
 */
count: number, 
/**
 * Its newest message.
 */
last: TopicMessage, 
/**
 * A message is retained there.
 */
retained: boolean, };

export type Topics = { 
/**
 * Each with its newest message.
 */
topics: Array<TopicView>, 
/**
 * There are more.
 */
more: boolean, };

export type Transport = "tcp" | "tls" | "ws" | "wss";

export type TriedCommand = { 
/**
 * Entity id.
 */
entity: string, 
/**
 * Verb.
 */
verb: string, 
/**
 * The value it was tried with, where it needs one.
 */
value: Value | null, 
/**
 * What it would send.
 */
sends: Array<TriedSend>, 
/**
 * Why it cannot be given, if it cannot.
 */
why: string | null, };

export type TriedEntity = { 
/**
 * The entity.
 */
entity: Entity, 
/**
 * Its state after all messages.
 */
state: State, };

export type TriedMessage = { 
/**
 * Its topic.
 */
topic: string, 
/**
 * The rules that listen to its topic.
 */
rules: Array<TriedRule>, 
/**
 * Entities that are new or described in another way, by id.
 */
described: Array<string>, 
/**
 * Entities whose state it set, by id.
 */
reported: Array<string>, 
/**
 * Messages that would be sent because of it.
 */
sends: Array<TriedSend>, 
/**
 * What could not be used of it, and what to do about it.
 */
problems: Array<string>, 
/**
 * Steps the templates of states took for it.
 */
fuel: number, };

export type TriedRule = { 
/**
 * Id of its profile.
 */
profile: string, 
/**
 * What it listens to, in words.
 */
rule: string, 
/**
 * Line where it begins in the profile.
 */
line: number | null, 
/**
 * What the topic captured.
 */
captures: { [key in string]: string }, 
/**
 * What it made of the message, in words.
 */
made: string, };

export type TriedSend = { 
/**
 * Topic.
 */
topic: string, 
/**
 * Payload.
 */
payload: string, 
/**
 * Whether it would be retained.
 */
retain: boolean, };

export type TriedTemplate = { 
/**
 * What it printed.
 */
text: string | null, 
/**
 * Why it printed nothing, if it did not.
 */
why: string | null, 
/**
 * Steps it took; 0 if it needs no engine.
 */
fuel: number, 
/**
 * Steps it may take.
 */
fuel_max: number, };

export type TryMessage = { 
/**
 * Topic.
 */
topic: string, 
/**
 * Payload.
 */
payload: string, 
/**
 * How the payload is written.
 */
encoding: PayloadEncoding, 
/**
 * It is retained: an entity that is announced later hears it, too.
 */
retain: boolean, };

export type TryProfile = { 
/**
 * Key of the profile.
 */
key: string | null, 
/**
 * A draft, in its place.
 */
source: string | null, 
/**
 * The messages, the first first.
 */
messages: Array<TryMessage>, };

export type TryTemplate = { 
/**
 * The template.
 */
template: string, 
/**
 * The payload it sees as `value`, and as `value_json` if it is JSON.
 */
payload: string, };

export type VacuumFeatures = { 
/**
 * Its speeds.
 */
fan_speeds: Array<string>, };

export type Value = boolean | number | string;

export type WatchTopics = { 
/**
 * Topic filter, such as `#`.
 */
filter: string, };

export type WillView = { 
/**
 * Topic.
 */
topic: string, 
/**
 * Payload as text; what is no UTF-8 is shown with replacement characters.
 */
payload: string, 
/**
 * 0, 1 or 2.
 */
qos: number, 
/**
 * Whether it is retained.
 */
retain: boolean, 
/**
 * Seconds it waits after the connection ended.
 */
delay_s: number, };

export interface Calls {
  /** About this hub: version, addresses, counters, troubles. */
  info: [params: Empty, result: Info];
  /** All devices, entities with their states, and areas. */
  home: [params: Empty, result: HomeSnapshot];
  /** One device with its entities, topics, credential and connection. */
  get_device: [params: ById, result: DeviceDetail];
  /** Gives a device another name; ids, history and automations stay. */
  rename_device: [params: Rename, result: Empty];
  /** Puts a device into an area. */
  move_device: [params: MoveDevice, result: Empty];
  /** Removes a device, its entities and their readings. */
  remove_device: [params: RemoveDevice, result: RemovedDevices];
  /** How a device is by its figures, and what its firmware tells of the board. */
  device_health: [params: ById, result: DeviceHealth];
  /** The devices with something to look at. */
  list_health: [params: Empty, result: HealthMarks];
  /** What happened to a device, newest first. */
  device_log: [params: ListDeviceLog, result: DeviceLogLines];
  /** What happens if a new board takes the place of another one; changes nothing. */
  replace_preview: [params: ReplaceDevice, result: ReplacePreview];
  /** Puts a new board in the place of another one: ids, names, room, readings and automations go on. */
  replace_device: [params: ReplaceDevice, result: Replaced];
  /** Says that the board of a credential is the one of this device, which was announced with another one. The former credential is revoked unless somebody else uses it. */
  hand_over_device: [params: HandOverDevice, result: HandedOver];
  /** What a device has retained, and would leave when it is removed. */
  device_retained: [params: ById, result: DeviceRetained];
  /** Retained messages that belong to no device that is there. */
  list_ghosts: [params: ListGhosts, result: Ghosts];
  /** Takes away the messages retained on these topics. */
  clear_ghosts: [params: ClearTopics, result: ClearedTopics];
  /** Takes clearing back, as far as the journal still has the messages. */
  restore_retained: [params: RestoreRetained, result: RestoredTopics];
  /** Puts several devices into an area: all of them, or none. */
  move_devices: [params: MoveDevices, result: Empty];
  /** Gives several devices other names: all of them, or none. */
  rename_devices: [params: RenameDevices, result: Empty];
  /** Removes several devices, their entities and their readings: all of them, or none. */
  remove_devices: [params: RemoveDevices, result: RemovedDevices];
  /** Gives an entity another name. */
  rename_entity: [params: Rename, result: Empty];
  /** Makes an entity by hand from a topic. */
  add_entity: [params: AddEntity, result: Entity];
  /** Devices and entities that raw traffic gives away, each with what it rests on. */
  list_proposals: [params: Empty, result: Proposals];
  /** Makes a device and entities of a proposal, as a whole or in parts. */
  accept_proposal: [params: AcceptProposal, result: AcceptedProposal];
  /** Does not propose this again, as a whole or one entity of it. */
  dismiss_proposal: [params: DismissProposal, result: Empty];
  /** Proposes again what was dismissed. */
  restore_proposal: [params: DismissProposal, result: Empty];
  /** Removes an entity and its readings. */
  remove_entity: [params: ById, result: Empty];
  /** Makes an area. */
  add_area: [params: Named, result: Area];
  /** Gives an area another name. */
  rename_area: [params: Rename, result: Empty];
  /** Puts areas into an order, in which Home and the lists show them; those not named stay behind them. */
  order_areas: [params: ByIds, result: Empty];
  /** Removes an area; its devices stay. */
  remove_area: [params: ById, result: Empty];
  /** Tells an entity to do something. `EntityView.command` and the frames say what becomes of it. */
  command: [params: Command, result: Empty];
  /** Every entity the relay guard has limits for, those that are announced no more among them. */
  list_guards: [params: Empty, result: Guards];
  /** The relay guard of an entity: its limits, and what they held back. */
  get_guard: [params: ById, result: GuardView];
  /** Sets the limits of an actuator; of one that is announced no more they can be taken off. It is not a certified safety function. */
  set_guard: [params: SetGuard, result: GuardView];
  /** The interlocks of the relay guard. */
  list_interlocks: [params: Empty, result: Interlocks];
  /** Readings of one entity in a span of time. */
  readings_range: [params: ReadingsRange, result: Readings];
  /** Minimum, mean and maximum per bucket of time. */
  readings_buckets: [params: ReadingsBuckets, result: Buckets];
  /** The newest reading of an entity. */
  last_reading: [params: ById, result: LastReading];
  /** The pictures of a camera or an image, newest first. */
  list_pictures: [params: ById, result: PictureList];
  /** One picture with its bytes. */
  get_picture: [params: ByPicture, result: PictureData];
  /** How many pictures are kept. */
  picture_settings: [params: Empty, result: PictureSettings];
  /** Keeps so many pictures from now on; the oldest go first. */
  set_picture_settings: [params: PictureSettings, result: Empty];
  /** Publishes a message. */
  publish: [params: Publish, result: Published];
  /** Topics with their newest message. */
  list_topics: [params: ListTopics, result: Topics];
  /** Messages of a topic or filter, newest first. */
  topic_history: [params: TopicHistory, result: Messages];
  /** Takes away the message retained on a topic. */
  clear_retained: [params: ByTopic, result: Empty];
  /** The credentials, without their secrets. */
  list_credentials: [params: Empty, result: Credentials];
  /** Makes a credential; its secret is shown this once. */
  add_credential: [params: AddCredential, result: NewCredential];
  /** Gives a credential a new secret, which is shown this once. Its rules stay, the old secret stops at once, and its connections are closed. */
  renew_secret: [params: RenewSecret, result: NewCredential];
  /** Removes a credential and closes its connections. */
  revoke_credential: [params: Named, result: Empty];
  /** Makes a credential for a board, with everything to type or paste into it. */
  add_board: [params: AddBoard, result: BoardAccess];
  /** Opens the window for two minutes: clients that are turned away become candidates. */
  open_pairing: [params: OpenPairing, result: PairingView];
  /** Closes the window; pairings under way go on. */
  close_pairing: [params: Empty, result: PairingView];
  /** The window, the candidates and the pairings. */
  pairing: [params: Empty, result: PairingView];
  /** Brings a board in: hands it a credential of its own, or makes what it tried its credential. */
  accept_candidate: [params: AcceptCandidate, result: PairingProgress];
  /** Ends a pairing; its credential is gone. */
  cancel_pairing: [params: ByPairing, result: Empty];
  /** Takes a pairing that ended out of the view: it was looked at. */
  put_away_pairing: [params: ByPairing, result: Empty];
  /** Looks for boards in the network; they become candidates. */
  search_lan: [params: SearchLan, result: PairingView];
  /** Ends a search; what it found stays. */
  stop_search: [params: Empty, result: PairingView];
  /** Asks the web page at an address which board it is; the board becomes a candidate. */
  look_at_board: [params: BoardAt, result: CandidateView];
  /** The firmwares there are, and how their boards come in. */
  list_firmwares: [params: Empty, result: Firmwares];
  /** Serial ports of this computer. */
  serial_ports: [params: Empty, result: SerialPorts];
  /** Lets a board at a serial port join a network, by Improv. */
  join_wifi: [params: JoinWifi, result: JoinedWifi];
  /** Tells every known board the address of the broker, as after a move to another computer. */
  point_boards_here: [params: Empty, result: PointedBoards];
  /** The firmware profiles, and what is wrong with files of the owner's. */
  list_profiles: [params: Empty, result: ProfileList];
  /** One firmware profile with its text, by its key. */
  get_profile: [params: ById, result: ProfileDetail];
  /** Looks for faults in a firmware profile without saving it. */
  check_profile: [params: ProfileSource, result: ProfileCheck];
  /** Tries a firmware profile with messages in an empty home; nothing is sent or kept. */
  try_profile: [params: TryProfile, result: ProfileTrial];
  /** Tries a template with a payload. */
  try_template: [params: TryTemplate, result: TriedTemplate];
  /** Saves a firmware profile of the owner's and uses it. */
  save_profile: [params: SaveProfile, result: ProfileDetail];
  /** Removes a firmware profile of the owner's; its devices stay. */
  remove_profile: [params: ById, result: Empty];
  /** Gives a credential other permissions. */
  set_permissions: [params: SetPermissions, result: Empty];
  /** Begins or ends the learning mode of a credential. */
  learn: [params: Learn, result: Learned];
  /** What a credential was seen doing while it learned. */
  learned: [params: Named, result: Learned];
  /** Clients of the broker, connected and asleep. */
  list_clients: [params: Empty, result: Clients];
  /** One client with its subscriptions, its will, its log and what it was refused. */
  get_client: [params: ByClient, result: ClientDetail];
  /** Clients that were here and are gone, with no session that waits for them: those with a text in their id. */
  find_gone_clients: [params: FindGone, result: GoneClients];
  /** Closes the connection of a client; it may come again. */
  kick_client: [params: ByClient, result: Empty];
  /** What the broker refused, newest first. */
  list_refusals: [params: ListRefusals, result: Refusals];
  /** Totals of the broker since the start. */
  broker_totals: [params: Empty, result: BrokerTotals];
  /** Rates of the broker over the last hour. */
  broker_rates: [params: Empty, result: BrokerRates];
  /** How the broker is reached: listeners, certificate, addresses. */
  broker_info: [params: Empty, result: BrokerInfo];
  /** Switches a listener of the broker on or off, or moves it. */
  set_listener: [params: SetListener, result: ListenerView];
  /** Changes the settings of TLS. */
  set_tls: [params: TlsSettings, result: Empty];
  /** Makes a new certificate by Hearth's own authority; boards that pin the old one must be told. */
  renew_certificate: [params: Empty, result: CertificateView];
  /** Uses a certificate the owner brings. */
  bring_certificate: [params: BringCertificate, result: CertificateView];
  /** Makes a certificate a client can log in with. */
  make_client_certificate: [params: Named, result: ClientCertificate];
  /** Switches announcing by multicast DNS on or off. */
  set_mdns: [params: Switch, result: MdnsView];
  /** The owner has seen that the address of the broker changed. */
  address_seen: [params: Empty, result: Empty];
  /** The limits of the broker. */
  broker_limits: [params: Empty, result: BrokerLimits];
  /** Changes a limit of the broker from the next start on. */
  set_limit: [params: SetLimit, result: BrokerLimits];
  /** Looks whether boards can reach the broker, and why not. */
  doctor: [params: Empty, result: Doctor];
  /** The automations. */
  list_automations: [params: Empty, result: AutomationList];
  /** One automation with its script. */
  get_automation: [params: ById, result: AutomationDetail];
  /** Saves a script; it runs at once if it has no error. */
  save_automation: [params: SaveAutomation, result: AutomationDetail];
  /** Switches an automation on or off. */
  enable_automation: [params: EnableAutomation, result: AutomationView];
  /** Removes an automation. */
  remove_automation: [params: ById, result: Empty];
  /** Looks for errors in a script without saving it. */
  check_script: [params: ScriptSource, result: ScriptCheck];
  /** Everything a script can call. */
  script_functions: [params: Empty, result: ScriptFunctions];
  /** Runs, newest first. */
  list_runs: [params: ListRuns, result: Runs];
  /** What happened, newest first. */
  list_activity: [params: ListActivity, result: Activity];
  /** The dashboard that makes itself. */
  dashboard: [params: Empty, result: Dashboard];
  /** Starts the demo home. */
  start_demo: [params: Empty, result: Empty];
  /** Stops the demo home and removes all its data. */
  remove_demo: [params: Empty, result: Empty];
  /** Reads a setting. */
  get_setting: [params: ByKey, result: Setting];
  /** Changes a setting. */
  set_setting: [params: Setting, result: Empty];
}

export interface Streams {
  /** What changes in the home, merged per frame of 16 ms. */
  events: [params: Empty, item: Frame];
  /** Messages of a filter as they arrive, merged per frame of 16 ms. */
  watch_topics: [params: WatchTopics, item: TopicFrame];
  /** The clients of the broker, and about once a second what became of them. */
  watch_clients: [params: Empty, item: ClientsFrame];
  /** The window, the candidates and the pairings, whenever something of them changes. */
  watch_pairing: [params: Empty, item: PairingView];
}
