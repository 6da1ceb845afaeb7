//! The body of a reply, which can break off, and which tells when it has been sent.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;

/// A reply's body, in one piece.
pub(crate) struct ReplyBody {
    data: Bytes,
    /// Fewer than the data when the reply is to break off.
    sent: usize,
    state: State,
    _sent: oneshot::Sender<Infallible>,
}

#[derive(PartialEq, Eq)]
enum State {
    Fresh,
    Sent,
}

/// The reply broke off, on purpose.
#[derive(Debug)]
pub(crate) struct BrokenOff;

impl fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reply breaks off, as a rule of the proxy wants")
    }
}

impl std::error::Error for BrokenOff {}

/// Ends when the reply has been handed to the connection.
pub(crate) type Sent = oneshot::Receiver<Infallible>;

/// Makes a reply sendable; `broken` for one that ends in the middle.
pub(crate) fn sendable(response: Response<Bytes>, broken: bool) -> (Response<ReplyBody>, Sent) {
    let (sender, sent) = oneshot::channel();
    let response = response.map(|data| ReplyBody {
        sent: if broken { data.len() / 2 } else { data.len() },
        data,
        state: State::Fresh,
        _sent: sender,
    });
    (response, sent)
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if self.state == State::Fresh && self.sent > 0 {
            self.state = State::Sent;
            let data = self.data.slice(..self.sent);
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        Poll::Ready((self.sent < self.data.len()).then_some(Err(BrokenOff)))
    }

    fn is_end_stream(&self) -> bool {
        self.sent == self.data.len() && (self.state == State::Sent || self.sent == 0)
    }

    fn size_hint(&self) -> SizeHint {
        match self.state {
            State::Fresh => SizeHint::with_exact(self.data.len() as u64),
            State::Sent => SizeHint::with_exact((self.data.len() - self.sent) as u64),
        }
    }
}
