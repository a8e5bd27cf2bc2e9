/* net/post.c -- calls from other threads into the loop's thread.
 *
 * Invariant: this is the only door for another thread, and post_lock the only lock; it is never
 * held while a call runs.
 */
#include "base/mem.h"
#include "net/internal.h"

struct net_post {
    struct net_post *next;
    void (*fn)(void *user);
    void *user;
};

int net_loop_post(struct net_loop *loop, void (*fn)(void *user), void *user)
{
    struct net_post *post = mem_alloc(sizeof *post);
    if (!post)
        return SIOC_ENOMEM;
    post->fn = fn;
    post->user = user;
    uv_mutex_lock(&loop->post_lock);
    post->next = loop->posts;
    loop->posts = post;
    uv_mutex_unlock(&loop->post_lock);
    uv_async_send(&loop->async);
    return 0;
}

static struct net_post *take_all(struct net_loop *loop)
{
    uv_mutex_lock(&loop->post_lock);
    struct net_post *newest = loop->posts;
    loop->posts = NULL;
    uv_mutex_unlock(&loop->post_lock);
    return newest;
}

static struct net_post *reverse(struct net_post *newest)
{
    struct net_post *oldest = NULL;
    while (newest) {
        struct net_post *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

void net_posts_run(struct net_loop *loop)
{
    struct net_post *post = reverse(take_all(loop));
    while (post) {
        struct net_post done = *post;
        mem_free(post);
        done.fn(done.user);
        post = done.next;
    }
}

void net_posts_drop(struct net_loop *loop)
{
    struct net_post *post = take_all(loop);
    while (post) {
        struct net_post *next = post->next;
        mem_free(post);
        post = next;
    }
}
