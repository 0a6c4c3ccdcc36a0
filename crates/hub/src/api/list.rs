//! The list itself. One line here is one method: its name, parameters, result and help.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use model::{Area, Entity};
use schemars::{Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::types::*;
use super::{Caller, calls, streams};
use crate::Hub;

/// Says what a type is called in TypeScript.
pub type Name = fn(&ts_rs::Config) -> String;

/// A method as the documents describe it.
pub struct Call {
    /// Its name: `POST /api/<name>`.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub help: &'static str,
    /// Schema of its parameters.
    pub params: fn(&mut SchemaGenerator) -> Schema,
    /// Schema of its result.
    pub result: fn(&mut SchemaGenerator) -> Schema,
    /// TypeScript names of parameters and result.
    pub typescript: (Name, Name),
}

/// A stream as the documents describe it.
pub struct Stream {
    /// Its name in a `sub` frame of the WebSocket.
    pub name: &'static str,
    /// What it brings, in a sentence.
    pub help: &'static str,
    /// TypeScript names of parameters and item.
    pub typescript: (Name, Name),
}

type Answer = Pin<Box<dyn Future<Output = Result<Box<RawValue>, ApiError>> + Send>>;

macro_rules! rpc_api {
    (
        calls { $( $(#[doc = $help:literal])+ $name:ident($params:ty) -> $result:ty; )* }
        streams { $( $(#[doc = $shelp:literal])+ $stream:ident($sparams:ty) -> $item:ty; )* }
    ) => {
        /// Every method.
        pub const CALLS: &[Call] = &[$( Call {
            name: stringify!($name),
            help: concat!($($help),+),
            params: |generator| generator.subschema_for::<$params>(),
            result: |generator| generator.subschema_for::<$result>(),
            typescript: (<$params as ts_rs::TS>::name, <$result as ts_rs::TS>::name),
        } ),*];

        /// Every stream.
        pub const STREAMS: &[Stream] = &[$( Stream {
            name: stringify!($stream),
            help: concat!($($shelp),+),
            typescript: (<$sparams as ts_rs::TS>::name, <$item as ts_rs::TS>::name),
        } ),*];

        /// Carries out one method. `params` is its JSON; nothing, `null` and `{}` are the same.
        pub fn dispatch(hub: Arc<Hub>, caller: Caller, method: &str, params: Option<&RawValue>) -> Answer {
            match method {
                $( stringify!($name) => {
                    let params = parse::<$params>(method, params);
                    Box::pin(async move { encode(&calls::$name(&hub, &caller, params?).await?) })
                } )*
                _ => refuse(unknown(method)),
            }
        }

        /// Opens a stream; it ends when the receiver is dropped. Each item is JSON.
        pub fn open_stream(
            hub: Arc<Hub>, caller: Caller, stream: &str, params: Option<&RawValue>,
            into: mpsc::Sender<Box<RawValue>>,
        ) -> Result<(), ApiError> {
            match stream {
                $( stringify!($stream) => {
                    let params = parse::<$sparams>(stream, params)?;
                    streams::$stream(hub, caller, params, into)
                } )*
                _ => Err(unknown(stream)),
            }
        }

        /// Visits every type the list uses.
        pub(super) fn visit_types(visitor: &mut impl ts_rs::TypeVisitor) {
            $( visitor.visit::<$params>(); visitor.visit::<$result>(); )*
            $( visitor.visit::<$sparams>(); visitor.visit::<$item>(); )*
            visitor.visit::<ApiError>();
        }
    };
}

rpc_api! {
    calls {
        /// About this hub: version, addresses, counters, troubles.
        info(Empty) -> Info;
        /// All devices, entities with their states, and areas.
        home(Empty) -> HomeSnapshot;
        /// One device with its entities, topics, credential and connection.
        get_device(ById) -> DeviceDetail;
        /// Gives a device another name; ids, history and automations stay.
        rename_device(Rename) -> Empty;
        /// Puts a device into an area.
        move_device(MoveDevice) -> Empty;
        /// Removes a device, its entities and their readings.
        remove_device(RemoveDevice) -> RemovedDevices;
        /// How a device is by its figures, and what its firmware tells of the board.
        device_health(ById) -> DeviceHealth;
        /// The devices with something to look at.
        list_health(Empty) -> HealthMarks;
        /// What happened to a device, newest first.
        device_log(ListDeviceLog) -> DeviceLogLines;
        /// What happens if a new board takes the place of another one; changes nothing.
        replace_preview(ReplaceDevice) -> ReplacePreview;
        /// Puts a new board in the place of another one: ids, names, room, readings and automations go on.
        replace_device(ReplaceDevice) -> Replaced;
        /// Says that the board of a credential is the one of this device, which was announced with another one. The
        /// former credential is revoked unless somebody else uses it.
        hand_over_device(HandOverDevice) -> HandedOver;
        /// What a device has retained, and would leave when it is removed.
        device_retained(ById) -> DeviceRetained;
        /// Retained messages that belong to no device that is there.
        list_ghosts(ListGhosts) -> Ghosts;
        /// Takes away the messages retained on these topics.
        clear_ghosts(ClearTopics) -> ClearedTopics;
        /// Takes clearing back, as far as the journal still has the messages.
        restore_retained(RestoreRetained) -> RestoredTopics;
        /// Puts several devices into an area: all of them, or none.
        move_devices(MoveDevices) -> Empty;
        /// Gives several devices other names: all of them, or none.
        rename_devices(RenameDevices) -> Empty;
        /// Removes several devices, their entities and their readings: all of them, or none.
        remove_devices(RemoveDevices) -> RemovedDevices;
        /// Gives an entity another name.
        rename_entity(Rename) -> Empty;
        /// Makes an entity by hand from a topic.
        add_entity(AddEntity) -> Entity;
        /// Devices and entities that raw traffic gives away, each with what it rests on.
        list_proposals(Empty) -> Proposals;
        /// Makes a device and entities of a proposal, as a whole or in parts.
        accept_proposal(AcceptProposal) -> AcceptedProposal;
        /// Does not propose this again, as a whole or one entity of it.
        dismiss_proposal(DismissProposal) -> Empty;
        /// Proposes again what was dismissed.
        restore_proposal(DismissProposal) -> Empty;
        /// Removes an entity and its readings.
        remove_entity(ById) -> Empty;
        /// Makes an area.
        add_area(Named) -> Area;
        /// Gives an area another name.
        rename_area(Rename) -> Empty;
        /// Puts areas into an order, in which Home and the lists show them; those not named stay behind them.
        order_areas(ByIds) -> Empty;
        /// Removes an area; its devices stay.
        remove_area(ById) -> Empty;
        /// Tells an entity to do something. `EntityView.command` and the frames say what becomes of it.
        command(Command) -> Empty;
        /// Every entity the relay guard has limits for, those that are announced no more among them.
        list_guards(Empty) -> Guards;
        /// The relay guard of an entity: its limits, and what they held back.
        get_guard(ById) -> GuardView;
        /// Sets the limits of an actuator; of one that is announced no more they can be taken off. It is not a certified
        /// safety function.
        set_guard(SetGuard) -> GuardView;
        /// The interlocks of the relay guard.
        list_interlocks(Empty) -> Interlocks;
        /// Readings of one entity in a span of time.
        readings_range(ReadingsRange) -> Readings;
        /// Minimum, mean and maximum per bucket of time.
        readings_buckets(ReadingsBuckets) -> Buckets;
        /// The newest reading of an entity.
        last_reading(ById) -> LastReading;
        /// The pictures of a camera or an image, newest first.
        list_pictures(ById) -> PictureList;
        /// One picture with its bytes.
        get_picture(ByPicture) -> PictureData;
        /// How many pictures are kept.
        picture_settings(Empty) -> PictureSettings;
        /// Keeps so many pictures from now on; the oldest go first.
        set_picture_settings(PictureSettings) -> Empty;
        /// Publishes a message.
        publish(Publish) -> Published;
        /// Topics with their newest message.
        list_topics(ListTopics) -> Topics;
        /// Messages of a topic or filter, newest first.
        topic_history(TopicHistory) -> Messages;
        /// Takes away the message retained on a topic.
        clear_retained(ByTopic) -> Empty;
        /// The credentials, without their secrets.
        list_credentials(Empty) -> Credentials;
        /// Makes a credential; its secret is shown this once.
        add_credential(AddCredential) -> NewCredential;
        /// Gives a credential a new secret, which is shown this once. Its rules stay, the old secret stops at
        /// once, and its connections are closed.
        renew_secret(RenewSecret) -> NewCredential;
        /// Removes a credential and closes its connections.
        revoke_credential(Named) -> Empty;
        /// Makes a credential for a board, with everything to type or paste into it.
        add_board(AddBoard) -> BoardAccess;
        /// Opens the window for two minutes: clients that are turned away become candidates.
        open_pairing(OpenPairing) -> PairingView;
        /// Closes the window; pairings under way go on.
        close_pairing(Empty) -> PairingView;
        /// The window, the candidates and the pairings.
        pairing(Empty) -> PairingView;
        /// Brings a board in: hands it a credential of its own, or makes what it tried its credential.
        accept_candidate(AcceptCandidate) -> PairingProgress;
        /// Ends a pairing; its credential is gone.
        cancel_pairing(ByPairing) -> Empty;
        /// Takes a pairing that ended out of the view: it was looked at.
        put_away_pairing(ByPairing) -> Empty;
        /// Looks for boards in the network; they become candidates.
        search_lan(SearchLan) -> PairingView;
        /// Ends a search; what it found stays.
        stop_search(Empty) -> PairingView;
        /// Asks the web page at an address which board it is; the board becomes a candidate.
        look_at_board(BoardAt) -> CandidateView;
        /// The firmwares there are, and how their boards come in.
        list_firmwares(Empty) -> Firmwares;
        /// Serial ports of this computer.
        serial_ports(Empty) -> SerialPorts;
        /// Lets a board at a serial port join a network, by Improv.
        join_wifi(JoinWifi) -> JoinedWifi;
        /// Tells every known board the address of the broker, as after a move to another computer.
        point_boards_here(Empty) -> PointedBoards;
        /// The firmware profiles, and what is wrong with files of the owner's.
        list_profiles(Empty) -> ProfileList;
        /// One firmware profile with its text, by its key.
        get_profile(ById) -> ProfileDetail;
        /// Looks for faults in a firmware profile without saving it.
        check_profile(ProfileSource) -> ProfileCheck;
        /// Tries a firmware profile with messages in an empty home; nothing is sent or kept.
        try_profile(TryProfile) -> ProfileTrial;
        /// Tries a template with a payload.
        try_template(TryTemplate) -> TriedTemplate;
        /// Saves a firmware profile of the owner's and uses it.
        save_profile(SaveProfile) -> ProfileDetail;
        /// Removes a firmware profile of the owner's; its devices stay.
        remove_profile(ById) -> Empty;
        /// Gives a credential other permissions.
        set_permissions(SetPermissions) -> Empty;
        /// Begins or ends the learning mode of a credential.
        learn(Learn) -> Learned;
        /// What a credential was seen doing while it learned.
        learned(Named) -> Learned;
        /// Clients of the broker, connected and asleep.
        list_clients(Empty) -> Clients;
        /// One client with its subscriptions, its will, its log and what it was refused.
        get_client(ByClient) -> ClientDetail;
        /// Clients that were here and are gone, with no session that waits for them: those with a text in their id.
        find_gone_clients(FindGone) -> GoneClients;
        /// Closes the connection of a client; it may come again.
        kick_client(ByClient) -> Empty;
        /// What the broker refused, newest first.
        list_refusals(ListRefusals) -> Refusals;
        /// Totals of the broker since the start.
        broker_totals(Empty) -> BrokerTotals;
        /// Rates of the broker over the last hour.
        broker_rates(Empty) -> BrokerRates;
        /// How the broker is reached: listeners, certificate, addresses.
        broker_info(Empty) -> BrokerInfo;
        /// Switches a listener of the broker on or off, or moves it.
        set_listener(SetListener) -> ListenerView;
        /// Changes the settings of TLS.
        set_tls(TlsSettings) -> Empty;
        /// Makes a new certificate by Hearth's own authority; boards that pin the old one must be told.
        renew_certificate(Empty) -> CertificateView;
        /// Uses a certificate the owner brings.
        bring_certificate(BringCertificate) -> CertificateView;
        /// Makes a certificate a client can log in with.
        make_client_certificate(Named) -> ClientCertificate;
        /// Switches announcing by multicast DNS on or off.
        set_mdns(Switch) -> MdnsView;
        /// The owner has seen that the address of the broker changed.
        address_seen(Empty) -> Empty;
        /// The limits of the broker.
        broker_limits(Empty) -> BrokerLimits;
        /// Changes a limit of the broker from the next start on.
        set_limit(SetLimit) -> BrokerLimits;
        /// Looks whether boards can reach the broker, and why not.
        doctor(Empty) -> Doctor;
        /// The automations.
        list_automations(Empty) -> AutomationList;
        /// One automation with its script.
        get_automation(ById) -> AutomationDetail;
        /// Saves a script; it runs at once if it has no error.
        save_automation(SaveAutomation) -> AutomationDetail;
        /// Switches an automation on or off.
        enable_automation(EnableAutomation) -> AutomationView;
        /// Removes an automation.
        remove_automation(ById) -> Empty;
        /// Looks for errors in a script without saving it.
        check_script(ScriptSource) -> ScriptCheck;
        /// Everything a script can call.
        script_functions(Empty) -> ScriptFunctions;
        /// Runs, newest first.
        list_runs(ListRuns) -> Runs;
        /// What happened, newest first.
        list_activity(ListActivity) -> Activity;
        /// The dashboard that makes itself.
        dashboard(Empty) -> Dashboard;
        /// Starts the demo home.
        start_demo(Empty) -> Empty;
        /// Stops the demo home and removes all its data.
        remove_demo(Empty) -> Empty;
        /// Reads a setting.
        get_setting(ByKey) -> Setting;
        /// Changes a setting.
        set_setting(Setting) -> Empty;
    }
    streams {
        /// What changes in the home, merged per frame of 16 ms.
        events(Empty) -> Frame;
        /// Messages of a filter as they arrive, merged per frame of 16 ms.
        watch_topics(WatchTopics) -> TopicFrame;
        /// The clients of the broker, and about once a second what became of them.
        watch_clients(Empty) -> ClientsFrame;
        /// The window, the candidates and the pairings, whenever something of them changes.
        watch_pairing(Empty) -> PairingView;
    }
}

fn parse<P: DeserializeOwned>(method: &str, params: Option<&RawValue>) -> Result<P, ApiError> {
    let text = params.map_or("{}", RawValue::get);
    let text = if text == "null" { "{}" } else { text };
    serde_json::from_str(text)
        .map_err(|why| ApiError::invalid(format!("The parameters of `{method}` cannot be read: {why}.")))
}

fn encode<R: Serialize>(result: &R) -> Result<Box<RawValue>, ApiError> {
    serde_json::value::to_raw_value(result).map_err(ApiError::internal)
}

fn refuse(error: ApiError) -> Answer {
    Box::pin(async move { Err(error) })
}

fn unknown(name: &str) -> ApiError {
    ApiError {
        code: ErrorCode::NotFound,
        message: format!("There is no method `{name}`. `GET /api/openapi.json` lists them all."),
    }
}
