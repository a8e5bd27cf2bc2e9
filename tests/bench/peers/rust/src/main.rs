//! The benchmark's application on socketioxide: bench-rust [PORT] [idle].  One thread, as it has one core.
use serde_json::Value;
use socketioxide::extract::{AckSender, Data, SocketRef};
use socketioxide::{SocketIo, TransportType};

async fn connected(socket: SocketRef, idle: bool) {
    socket.on("echo", async |socket: SocketRef, Data(text): Data<Value>| {
        socket.emit("echo", &text).ok();
    });
    if idle {
        return;
    }
    socket.on("ack", async |Data(text): Data<Value>, ack: AckSender| {
        ack.send(&text).ok();
    });
    socket.on("bcast", async |io: SocketIo, Data((number, text)): Data<(i64, String)>| {
        io.emit("bcast", &(number, text)).await.ok();
    });
    socket.on("join", async |socket: SocketRef, Data(room): Data<String>, ack: AckSender| {
        socket.join(room);
        ack.send(&true).ok();
    });
    socket.on("room", async |io: SocketIo, Data((room, number, text)): Data<(String, i64, String)>| {
        io.to(room).emit("bcast", &(number, text)).await.ok();
    });
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut words = std::env::args().skip(1);
    let port = words.next().unwrap_or("0".into());
    let idle = words.next().as_deref() == Some("idle");
    let (layer, io) = SocketIo::builder().transports([TransportType::Websocket]).build_layer();
    io.ns("/", async move |socket: SocketRef| connected(socket, idle).await);
    let app = axum::Router::new().layer(layer);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.expect("a free port");
    println!("listening on http://{}", listener.local_addr().expect("an address"));
    axum::serve(axum::serve::ListenerExt::tap_io(listener, |tcp| drop(tcp.set_nodelay(true)))
        , app).await.expect("to serve");
}
