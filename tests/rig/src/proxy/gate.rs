//! Holds a call at an exact moment, so that a test can kill its caller there.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};

/// A moment in the life of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// The call has left its caller; AWS has not seen it.
    BeforeForward,
    /// AWS is at work on it. It is not held back: AWS finishes while the caller dies.
    DuringForward,
    /// AWS has done it; the caller doesn't know.
    AfterForward,
    /// The caller has the reply. Whatever it calls next is held back, and lost if it dies meanwhile.
    AfterReply,
}

impl Moment {
    /// All four.
    pub const ALL: [Self; 4] = [
        Self::BeforeForward,
        Self::DuringForward,
        Self::AfterForward,
        Self::AfterReply,
    ];
}

/// A gate to put into a [`crate::Rule`]; each call that the rule hits stops there.
#[derive(Clone, Debug)]
pub struct Gate {
    moment: Moment,
    arrivals: mpsc::UnboundedSender<Held>,
    waiting: Arc<Mutex<mpsc::UnboundedReceiver<Held>>>,
}

impl Gate {
    /// A gate at this moment.
    pub fn at(moment: Moment) -> Self {
        let (arrivals, waiting) = mpsc::unbounded_channel();
        Self {
            moment,
            arrivals,
            waiting: Arc::new(Mutex::new(waiting)),
        }
    }

    /// The moment it holds calls at.
    pub fn moment(&self) -> Moment {
        self.moment
    }

    /// Waits until a call has come to the gate.
    pub async fn reached(&self) -> Held {
        let mut waiting = self.waiting.lock().await;
        waiting.recv().await.expect("the gate itself holds a sender")
    }

    /// Stops a call here; returns what the test decided.
    pub(crate) async fn hold(&self, seq: u64, name: &str) -> Decision {
        let (decide, decided) = oneshot::channel();
        let held = Held {
            seq,
            name: name.to_owned(),
            decide,
        };
        if self.arrivals.send(held).is_err() {
            return Decision::GoOn;
        }
        decided.await.unwrap_or(Decision::GoOn)
    }
}

/// What becomes of a held call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    GoOn,
    Discard,
}

/// A call that stands at a gate. Dropping it lets it go on.
#[derive(Debug)]
pub struct Held {
    /// The call's number in the log.
    pub seq: u64,
    /// The call's name.
    pub name: String,
    decide: oneshot::Sender<Decision>,
}

impl Held {
    /// Lets the call go on. Held before it was forwarded, it reaches AWS now, late, even if its caller is dead.
    pub fn go_on(self) {
        self.decide.send(Decision::GoOn).ok();
    }

    /// Loses the call: it is not forwarded, or its reply not sent, and the connection closes.
    pub fn discard(self) {
        self.decide.send(Decision::Discard).ok();
    }
}
