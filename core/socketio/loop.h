/* socketio/loop.h -- the inner loop behind the public one. */
#ifndef SOCKETIO_LOOP_H
#define SOCKETIO_LOOP_H

struct net_loop;
struct sioc_loop;

struct net_loop *sio_net_loop(struct sioc_loop *loop);

#endif
