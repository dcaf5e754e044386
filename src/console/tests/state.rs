//! Keys and answers in, model and effects out.
