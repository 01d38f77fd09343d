//! What a client takes from its implementation of gRPC, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

/// An implementation of gRPC.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StackFile {
    /// grpc-go.
    Go,
    /// C-core: C++, Python, Ruby, PHP.
    #[serde(alias = "c-core")]
    CCore,
    /// grpc-java on Netty.
    Java,
    /// grpc-js.
    Node,
    /// tonic.
    Tonic,
}

/// An implementation of gRPC, as a server.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServerStackFile {
    /// grpc-go: the third ping that comes too early ends the connection.
    Go,
    /// C-core: the same, but that with a call open the first ping is free.
    #[serde(alias = "c-core")]
    CCore,
    /// grpc-java on Netty: measured against the last ping that did not come too early.
    Java,
    /// grpc-js, or tonic: no ping comes too early.
    #[serde(alias = "tonic")]
    Node,
}
