/* hello.c -- an echo server in C, over the public API of sioc alone.
 *
 *     hello_c [PORT]        then, in a client: socket.emit("echo", "hi", (answer) => ...)
 *
 * Every "echo" comes back as an event, and as the answer if the client asked for one.
 */
#include <signal.h>
#include <sioc/sioc.h>
#include <stdio.h>
#include <stdlib.h>

static void must(const char *what, int result)
{
    if (result < 0) {
        fprintf(stderr, "hello_c: cannot %s: %s\n", what, sioc_strerror(result));
        exit(1);
    }
}

/* The event drives the message's sink: whatever its arguments are, nothing is built in between.
 * They may turn out to be unfit to read, so a message is sent only when this is true. */
static bool fill(struct sioc_event *event, struct sioc_message *message)
{
    if (sioc_event_read(event, sioc_message_sink(message), NULL) >= 0)
        return true;
    sioc_message_free(message);
    return false;
}

static void on_echo(void *user, intptr_t ref, struct sioc_event *event)
{
    struct sioc_server *server = user;
    struct sioc_namespace *nsp = sioc_event_namespace(event);
    struct sioc_reply reply = sioc_event_reply(event);
    struct sioc_message *message;

    (void)ref;
    if (sioc_message_new(nsp, sioc_str("echo"), &message) == 0 && fill(event, message))
        sioc_socket_emit(sioc_event_socket(event), message, NULL); /* takes the message */
    if (reply.wanted && sioc_message_new_answer(nsp, &message) == 0 && fill(event, message))
        sioc_reply_send(server, reply, message);
}

static void stop_loop(void *loop)
{
    sioc_loop_stop(loop);
}

static void on_signal(void *server, int signum)
{
    (void)signum;
    sioc_server_close(server, stop_loop, sioc_server_loop(server)); /* says goodbye first */
}

int main(int argc, char **argv)
{
    uint16_t port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 3000);
    struct sioc_loop *loop;
    struct sioc_server *server;
    struct sioc_namespace *nsp;
    struct sioc_signal *on_int, *on_term;

    must("make a loop", sioc_loop_new(&loop));
    must("make a server", sioc_server_new(loop, NULL, &server));
    sioc_server_set_log(server, SIOC_LOG_INFO, sioc_log_stderr, NULL);

    struct sioc_handler echo = {.call = on_echo, .user = server};
    must("find the namespace", sioc_server_of(server, sioc_str("/"), &nsp));
    must("listen to echo", sioc_namespace_event(nsp, sioc_str("echo"), echo, 0));
    must("catch SIGINT", sioc_signal_open(loop, SIGINT, on_signal, server, &on_int));
    must("catch SIGTERM", sioc_signal_open(loop, SIGTERM, on_signal, server, &on_term));
    must("open the port", sioc_server_listen(server, "127.0.0.1", port, &port));

    printf("listening on http://127.0.0.1:%u\n", (unsigned)port);
    fflush(stdout);
    must("run", sioc_loop_run(loop));

    sioc_signal_close(on_int); /* what lives in the loop goes before the loop */
    sioc_signal_close(on_term);
    sioc_server_free(server);
    sioc_loop_free(loop);
    return 0;
}
