//! What a client answers to QoS 1 and 2, and what comes next of it.

use std::sync::Arc;

use tokio::sync::Notify;

use super::super::flights::Stage;
use super::{Outbox, Recording};
use crate::ledger::{HandshakeChange, Ledger};

impl Outbox {
    /// PUBACK. Returns whether the packet id was waiting for one.
    pub(crate) fn acked(&mut self, packet_id: u16) -> bool {
        let waiting = self.flights.get_mut(packet_id).is_some_and(|flight| flight.stage == Stage::AwaitAck);
        if waiting {
            self.flights.remove(packet_id);
        }
        waiting
    }

    /// PUBREC. `None` when PUBREL comes later, after its row; `Some(known)` when it is to be sent now.
    pub(crate) fn received(
        &mut self,
        packet_id: u16,
        refused: bool,
        client_id: &Arc<str>,
        persistent: bool,
        ledger: &dyn Ledger,
        wake: &Arc<Notify>,
    ) -> Option<bool> {
        let Some(flight) = self.flights.get_mut(packet_id) else {
            return if refused { None } else { Some(false) };
        };
        match flight.stage {
            // MQTT 5, section 4.3.3: a PUBREC with an error ends the exchange.
            Stage::AwaitRec if refused => {
                self.complete(packet_id, persistent);
                None
            }
            Stage::AwaitRec => {
                flight.delivery = None;
                if persistent {
                    flight.stage = Stage::Releasing;
                    let change =
                        HandshakeChange::OutboundReceived { client_id: client_id.clone(), packet_id };
                    let operation = ledger.handshake(change, Some(wake));
                    self.recording.push_back(Recording { operation, packet_id, by: None });
                    None
                } else {
                    flight.stage = Stage::AwaitComp;
                    Some(true)
                }
            }
            Stage::AwaitComp => Some(true),
            Stage::Recording | Stage::AwaitAck | Stage::Releasing => None,
        }
    }

    /// PUBCOMP.
    pub(crate) fn completed(&mut self, packet_id: u16, persistent: bool) {
        let waiting = self.flights.get_mut(packet_id).is_some_and(|flight| flight.stage == Stage::AwaitComp);
        if waiting {
            self.complete(packet_id, persistent);
        }
    }

    fn complete(&mut self, packet_id: u16, persistent: bool) {
        if let Some(flight) = self.flights.remove(packet_id)
            && persistent
        {
            self.held.insert(packet_id, flight.message_id);
        }
    }
}
