//! Conditions as types. A key knows whether it has one value or several, and of what type they are; only the
//! operators that mean something for it exist.
//!
//! What each operator says about a request that does not carry the key is in its name where it matters: that is
//! where guardrails leak. <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>

use std::borrow::Cow;
use std::marker::PhantomData;

use super::Statement;

/// Of a key that a request carries at most once.
#[derive(Debug)]
pub struct One;
/// Of a key that a request carries with any number of values.
#[derive(Debug)]
pub struct Many;
/// Of a key whose values are compared as texts.
#[derive(Debug)]
pub struct Text;
/// Of a key whose values are ARNs.
#[derive(Debug)]
pub struct Arn;
/// Of a key whose values are true or false.
#[derive(Debug)]
pub struct Flag;
/// Of a key whose values are numbers.
#[derive(Debug)]
pub struct Number;

/// A condition key: `A` is [`One`] or [`Many`], `T` the type of its values.
///
/// ```compile_fail
/// // A single value has no "any of": the request has one endpoint.
/// secureml::policy::global::SOURCE_VPCE.any_is_not(["vpce-1"]);
/// ```
#[derive(Clone, Debug)]
pub struct Key<A, T> {
    name: Cow<'static, str>,
    form: PhantomData<fn() -> (A, T)>,
}

/// One condition of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    operator: &'static str,
    key: String,
    values: Vec<String>,
}

impl Statement {
    /// When `condition` holds. Several conditions must all hold.
    #[must_use]
    pub fn given(self, condition: Condition) -> Self {
        self.when(condition.operator, &condition.key, condition.values)
    }

    /// When each of `conditions` holds.
    #[must_use]
    pub fn given_all(self, conditions: impl IntoIterator<Item = Condition>) -> Self {
        conditions.into_iter().fold(self, Self::given)
    }
}

impl<A, T> Key<A, T> {
    /// The key `name`.
    pub const fn named(name: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(name),
            form: PhantomData,
        }
    }

    /// A key whose name ends in something that is decided later, such as a tag's.
    pub fn made(name: String) -> Self {
        Self {
            name: Cow::Owned(name),
            form: PhantomData,
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The request does not carry the key.
    pub fn absent(&self) -> Condition {
        self.condition("Null", ["true"])
    }

    /// The request carries the key.
    pub fn present(&self) -> Condition {
        self.condition("Null", ["false"])
    }

    fn condition<V: Into<String>>(&self, operator: &'static str, values: impl IntoIterator<Item = V>) -> Condition {
        Condition {
            operator,
            key: self.name.clone().into_owned(),
            values: values.into_iter().map(Into::into).collect(),
        }
    }
}

macro_rules! operators {
    ($arity:ty, $form:ty: $($(#[$doc:meta])* $name:ident = $operator:literal;)*) => {
        impl Key<$arity, $form> {$(
            $(#[$doc])*
            pub fn $name<V: Into<String>>(&self, values: impl IntoIterator<Item = V>) -> Condition {
                self.condition($operator, values)
            }
        )*}
    };
}

operators! { One, Text:
    /// The value is one of `values`; false when absent.
    is = "StringEquals";
    /// The value is one of `values`, or absent.
    is_if_present = "StringEqualsIfExists";
    /// The value is one of `values`, whatever its case; false when absent.
    is_in_any_case = "StringEqualsIgnoreCase";
    /// The value is none of `values`; **true when absent**.
    is_not = "StringNotEquals";
    /// The value matches one of the patterns; false when absent.
    like = "StringLike";
    /// The value matches none of the patterns; **true when absent**.
    not_like = "StringNotLike";
}

operators! { One, Arn:
    /// The value is one of `values`; false when absent.
    is = "ArnEquals";
    /// The value is none of `values`; **true when absent**.
    is_not = "ArnNotEquals";
    /// The value matches one of the patterns; false when absent.
    like = "ArnLike";
    /// The value matches none of the patterns; **true when absent**.
    not_like = "ArnNotLike";
}

operators! { Many, Text:
    /// Each value is one of `values`; **true when there is none**: to be used with [`Key::present`].
    all_are = "ForAllValues:StringEquals";
    /// Each value is one of `values`, or there is none.
    all_are_if_present = "ForAllValues:StringEqualsIfExists";
    /// Each value matches one of the patterns; **true when there is none**: to be used with [`Key::present`].
    all_like = "ForAllValues:StringLike";
    /// Each value matches one of the patterns, or there is none.
    all_like_if_present = "ForAllValues:StringLikeIfExists";
    /// Some value is none of `values`; false when there is none.
    any_is_not = "ForAnyValue:StringNotEquals";
    /// Some value matches none of the patterns; false when there is none.
    any_not_like = "ForAnyValue:StringNotLike";
    /// Some value matches one of the patterns; false when there is none.
    any_like = "ForAnyValue:StringLike";
    /// Some value is one of `values`, whatever its case; false when there is none.
    any_is_in_any_case = "ForAnyValue:StringEqualsIgnoreCase";
}

operators! { Many, Arn:
    /// Each value is one of `values`; **true when there is none**: to be used with [`Key::present`].
    all_are = "ForAllValues:ArnEquals";
    /// Some value is none of `values`; false when there is none.
    any_is_not = "ForAnyValue:ArnNotEquals";
}

impl Key<One, Flag> {
    /// The value is true; false when absent.
    pub fn is_true(&self) -> Condition {
        self.condition("Bool", ["true"])
    }

    /// The value is false; false when absent. For keys that every request carries: scanners look for this form.
    pub fn is_false(&self) -> Condition {
        self.condition("Bool", ["false"])
    }

    /// The value is false, or absent: whatever is not known to be on is off.
    pub fn is_not_true(&self) -> Condition {
        self.condition("BoolIfExists", ["false"])
    }
}

impl Key<One, Number> {
    /// The value is at most `limit`; false when absent.
    pub fn at_most(&self, limit: u32) -> Condition {
        self.condition("NumericLessThanEquals", [limit.to_string()])
    }

    /// The value is at most `limit`, or absent.
    pub fn at_most_if_present(&self, limit: u32) -> Condition {
        self.condition("NumericLessThanEqualsIfExists", [limit.to_string()])
    }

    /// The value is above `limit`; false when absent.
    pub fn above(&self, limit: u32) -> Condition {
        self.condition("NumericGreaterThan", [limit.to_string()])
    }
}
