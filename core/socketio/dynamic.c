/* socketio/dynamic.c -- see dynamic.h and sioc_server_match.
 *
 * A parent is a namespace without sockets and without a name in the table; what is registered
 * at it holds for its children, which look it up there (namespace.h) and copy nothing.  A child
 * that is closed leaves the table and its parent at once, its memory stays while somebody
 * counts a reference.
 * Invariants: a child in server->dynamic with `listed` is in server->namespaces and in its
 * parent's list; a match in client->matches runs, or waits for one sioc_match.
 */
#include "socketio/dynamic.h"
#include "base/mem.h"
#include "socketio/adapter.h"
#include "socketio/connect.h"
#include "socketio/event.h"
#include "socketio/namespace.h"
#include "socketio/parser.h"
#include "socketio/recovery.h"
#include <stdio.h>

struct sio_match {
    struct sio_match *next; /* in client->matches */
    struct sio_client *client;
    struct sioc_namespace *parent; /* who is asked; NULL: all were */
    uint64_t handle;
    uint32_t name_len, auth_len;
    bool running, answered, accepted;
    bool dropped; /* while it runs: the client has gone */
    char text[];  /* the name, then '[' auth ']' */
};

static struct sioc_str name_of(const struct sio_match *m)
{
    return sioc_str_n(m->text, m->name_len);
}

/* ---- parents ---- */

static struct sioc_namespace *next_parent(struct sioc_server *server, struct list *after)
{
    for (after = after->next; after != &server->parents; after = after->next) {
        struct sioc_namespace *parent = LIST_ENTRY(after, struct sioc_namespace, node);
        if (!parent->missing)
            return parent;
    }
    return NULL;
}

int sioc_server_match(struct sioc_server *server, struct sioc_handler matcher,
                      struct sioc_namespace **ret_parent)
{
    char name[32];
    int len = snprintf(name, sizeof name, "/_%zu", server->parent_count);
    struct sioc_namespace *parent;
    int error = sio_namespace_new(server, sioc_str_n(name, (size_t)len), &parent);
    if (error < 0)
        return error;
    parent->is_parent = true;
    parent->matcher = matcher;
    list_append(&server->parents, &parent->node);
    server->parent_count++;
    *ret_parent = parent;
    return 0;
}

struct sioc_namespace *sioc_namespace_parent(const struct sioc_namespace *nsp)
{
    return nsp->parent;
}

/* ---- children ---- */

int sioc_namespace_child(struct sioc_namespace *parent, struct sioc_str name,
                         struct sioc_namespace **ret_child)
{
    struct sioc_server *server = parent->server;
    struct sioc_namespace *child = sio_namespace_find(server, name);
    if (child && child->parent != parent)
        return SIOC_EEXIST;
    if (!parent->is_parent || !sio_namespace_name_ok(name))
        return SIOC_EINVAL;
    if (!child) {
        if (server->dynamic_count >= (size_t)server->options->max_dynamic_namespaces)
            return SIOC_ELIMIT;
        int error = sio_namespace_make(server, name, parent, &child);
        if (error < 0)
            return error;
        list_append(&server->dynamic, &child->node);
        list_append(&parent->children, &child->sibling);
        server->dynamic_count++;
        sio_namespace_announce(child);
    }
    *ret_child = child;
    return 0;
}

static void child_free(struct net_loop *loop, struct net_garbage *garbage)
{
    (void)loop;
    struct sioc_namespace *nsp =
        (struct sioc_namespace *)(void *)((char *)garbage -
                                          offsetof(struct sioc_namespace, garbage));
    list_remove(&nsp->node);
    sio_namespace_free(nsp);
}

static void free_if_unused(struct sioc_namespace *nsp)
{
    if (nsp->parent && !nsp->listed && nsp->refs == 0 && !nsp->discarded) {
        nsp->discarded = true;
        net_loop_discard(nsp->server->loop, &nsp->garbage, child_free);
    }
}

void sio_dynamic_sweep(struct sioc_namespace *nsp)
{
    struct sioc_server *server = nsp->server;
    if (!nsp->parent || !nsp->listed || nsp->inhabitants > 0 || sio_recovery_holds(nsp) ||
        !server->options->cleanup_empty_child_namespaces)
        return;
    nsp->listed = false;
    map_remove(&server->namespaces, sio_namespace_name(nsp));
    list_remove(&nsp->sibling);
    server->dynamic_count--;
    sio_adapter_close(nsp);
    free_if_unused(nsp);
}

void sioc_namespace_ref(struct sioc_namespace *nsp)
{
    nsp->refs++;
}

void sioc_namespace_unref(struct sioc_namespace *nsp)
{
    nsp->refs--;
    free_if_unused(nsp);
}

void sio_dynamic_free_all(struct sioc_server *server)
{
    struct list *node;
    while ((node = list_pop(&server->dynamic))) {
        struct sioc_namespace *nsp = LIST_ENTRY(node, struct sioc_namespace, node);
        if (nsp->discarded) /* it goes at the end of the turn, when there is no server any more
                             */
            sio_namespace_drop_handlers(nsp);
        else
            sio_namespace_free(nsp);
    }
    while ((node = list_pop(&server->parents)))
        sio_namespace_free(LIST_ENTRY(node, struct sioc_namespace, node));
}

/* ---- asking ---- */

/* It is not pending any more; perhaps it was not before. */
static void unlink_match(struct sio_match *m)
{
    struct sio_match **at = &m->client->matches;
    while (*at && *at != m)
        at = &(*at)->next;
    if (*at)
        *at = m->next;
}

static void match_free(struct sio_match *m)
{
    handle_remove(&m->client->server->matches, m->handle);
    unlink_match(m);
    m->client->match_count--;
    mem_free(m);
}

/* The client is answered.  Another CONNECT may have made the namespace meanwhile. */
static void settle(struct sio_match *m)
{
    struct sio_client *client = m->client;
    struct sioc_namespace *nsp = sio_namespace_find(client->server, name_of(m));
    struct sioc_str auth = sioc_str_n(m->text + m->name_len + 1, m->auth_len);
    int error = m->parent ? 0 : SIOC_ENOTFOUND;
    unlink_match(m);
    if (m->parent && !nsp)
        error = sioc_namespace_child(m->parent, name_of(m), &nsp);
    if (error == 0)
        sio_connect_to(client, nsp, auth);
    else
        sio_connect_refuse(client, name_of(m),
                           error == SIOC_ELIMIT ? "Too many namespaces" : "Invalid namespace");
    if (nsp)
        sio_dynamic_sweep(nsp);
    match_free(m);
}

/* Asks one parent after the other, as long as each answers at once. */
static void ask(struct sio_match *m)
{
    struct sioc_server *server = m->client->server;
    while (m->parent && !m->accepted) {
        struct sioc_handler matcher = m->parent->matcher;
        struct sioc_event event = {.kind = SIOC_EVENT_MATCH,
                                   .nsp = m->parent,
                                   .name = name_of(m),
                                   .parser = &sio_parser_json,
                                   .args = sioc_str_n(m->text + m->name_len, m->auth_len + 2),
                                   .match = m->handle};
        m->answered = false;
        m->running = true;
        matcher.call(matcher.user, matcher.ref, &event);
        m->running = false;
        sio_event_deinit(&event);
        if (m->dropped) {
            match_free(m);
            return;
        }
        if (!m->answered)
            return;
        if (!m->accepted)
            m->parent = next_parent(server, &m->parent->node);
    }
    settle(m);
}

int sioc_match(struct sioc_server *server, uint64_t match, bool accepted)
{
    struct sio_match *m = handle_get(&server->matches, match);
    if (!m)
        return SIOC_ECLOSED;
    if (m->answered)
        return SIOC_ESTATE;
    m->answered = true;
    m->accepted = accepted;
    if (m->running)
        return 0;
    if (!accepted)
        m->parent = next_parent(server, &m->parent->node);
    ask(m);
    return 0;
}

static struct sio_match *match_new(struct sio_client *client, struct sioc_str name,
                                   struct sioc_str auth)
{
    if (auth.len == 0)
        auth = STR("{}");
    struct sio_match *m = mem_zalloc(sizeof *m + name.len + auth.len + 2);
    if (!m)
        return NULL;
    if (handle_add(&client->server->matches, m, &m->handle) < 0) {
        mem_free(m);
        return NULL;
    }
    m->client = client;
    m->name_len = (uint32_t)name.len;
    m->auth_len = (uint32_t)auth.len;
    char *p = m->text;
    memcpy(p, name.ptr, name.len);
    p[name.len] = '[';
    memcpy(p + name.len + 1, auth.ptr, auth.len);
    p[name.len + 1 + auth.len] = ']';
    m->next = client->matches;
    client->matches = m;
    client->match_count++;
    return m;
}

void sio_match(struct sio_client *client, struct sioc_str name, struct sioc_str auth)
{
    struct sio_match *m = match_new(client, name, auth);
    if (!m) {
        sio_connect_refuse(client, name, "Invalid namespace");
        return;
    }
    m->parent = next_parent(client->server, &client->server->parents);
    ask(m);
}

bool sio_match_waits(const struct sio_client *client, struct sioc_str name)
{
    for (const struct sio_match *m = client->matches; m; m = m->next)
        if (str_eq(name_of(m), name))
            return true;
    return false;
}

void sio_matches_drop(struct sio_client *client)
{
    struct sio_match *m = client->matches, *next;
    for (; m; m = next) {
        next = m->next;
        m->dropped = true;
        if (!m->running) /* that one is further up the stack, and sees to itself */
            match_free(m);
    }
}
