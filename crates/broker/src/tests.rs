//! What the inline tests share: a gate over the tests' ledger, without sockets.

#[path = "../tests/common/ledger.rs"]
#[allow(dead_code, unreachable_pub)]
mod ledger;

use std::sync::Arc;

use model::{Permissions, Publisher, QoS};

use crate::{Access, BoxFuture, Draft, Gate, GateConfig, GateEvent, Granted, Limits, Login, Refusal, Watch};
use ledger::MemoryLedger;

struct Everybody;

impl Access for Everybody {
    fn login(&self, _: Login) -> BoxFuture<'static, Result<Granted, Refusal>> {
        Box::pin(async {
            Ok(Granted { user: "test".into(), permissions: Permissions::all(), learning: false })
        })
    }
}

struct Quiet;

impl Watch for Quiet {
    fn seen(&self, _: GateEvent) {}
}

/// A gate that listens nowhere, and its ledger.
pub(crate) async fn gate(limits: Limits) -> (Gate, Arc<MemoryLedger>) {
    let ledger = MemoryLedger::open(&Arc::default());
    let config = GateConfig { listen: Vec::new(), limits };
    let gate = Gate::start(config, ledger.clone(), Arc::new(Everybody), Arc::new(Quiet)).await.unwrap();
    (gate, ledger)
}

/// A small message.
pub(crate) fn draft(topic: &str) -> Draft {
    Draft {
        topic: topic.into(),
        payload: "x".into(),
        qos: QoS::AtMostOnce,
        retain: false,
        publisher: Arc::new(Publisher::hub("test")),
        cause: None,
        properties: None,
        inbound_qos2: None,
    }
}
