// The benchmark's application on zishang520/socket.io: bench-go [PORT] [idle]
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"
)

func main() {
	port, idle := "0", false
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	if len(os.Args) > 2 {
		idle = os.Args[2] == "idle"
	}
	options := socket.DefaultServerOptions()
	options.SetServeClient(false)
	options.SetTransports(types.NewSet("websocket"))
	io := socket.NewServer(nil, nil)
	io.On("connection", func(clients ...any) {
		client := clients[0].(*socket.Socket)
		client.On("echo", func(args ...any) { client.Emit("echo", args...) })
		if idle {
			return
		}
		client.On("ack", func(args ...any) {
			if answer, ok := args[len(args)-1].(socket.Ack); ok {
				answer(args[:len(args)-1], nil)
			}
		})
		client.On("bcast", func(args ...any) { io.Emit("bcast", args...) })
	})
	http.Handle("/socket.io/", io.ServeHandler(options))
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	go func() {
		<-end
		os.Exit(0)
	}()
	fmt.Fprintln(os.Stderr, http.Serve(listener, nil))
}
