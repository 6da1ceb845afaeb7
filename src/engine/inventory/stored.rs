use crate::plan::Object;

/// An object in little space: as a tree, a policy takes ten times the memory of its text, and the inventory holds the
/// policies of a whole fleet.
pub(super) struct Stored {
    /// All but its attributes.
    object: Object,
    attributes: Box<str>,
}

impl From<Object> for Stored {
    fn from(mut object: Object) -> Self {
        let attributes = object.attributes.take().to_string().into();
        Self { object, attributes }
    }
}

impl Stored {
    pub(super) fn object(&self) -> Object {
        let mut object = self.object.clone();
        object.attributes = serde_json::from_str(&self.attributes).unwrap_or_default();
        object
    }
}
