/* net/timer.c -- the wheel: four levels of 256 slots; a level's slot is as long as the whole
 * level below it.
 *
 * A due time is a number of four digits to base 256.  A timer lies on the level of the highest
 * digit in which its due time differs from now, in that digit's slot; when the time reaches the
 * slot, its timers move down (cascade), and those on level 0 fire.  The top level is a ring: it
 * stands for the higher digits, too; what is further away than its 49 days waits in its last
 * slot and is placed again from there.  Knows no clock.
 * Invariants: below the top, timers lie only in slots above the digit of now; a timer on a
 * lower level is due before any on a higher one.
 */
#include "net/internal.h"

#define DIGIT_BITS 8
#define DIGIT_MASK (NET_WHEEL_SLOTS - 1)
#define TOP        (NET_WHEEL_LEVELS - 1)

static size_t digit(uint64_t ms, int level)
{
    return (size_t)(ms >> (level * DIGIT_BITS)) & DIGIT_MASK;
}

void net_timer_init(struct net_timer *timer, void (*fn)(struct net_timer *timer))
{
    list_init(&timer->node);
    timer->due_ms = 0;
    timer->fn = fn;
}

void net_timer_start(struct net_loop *loop, struct net_timer *timer, uint64_t delay_ms)
{
    uint64_t now = net_loop_fresh_now(loop);
    /* At least 1: a timer that starts itself again does not fire twice in one turn. */
    uint64_t due = now + (delay_ms ? delay_ms : 1);
    net_wheel_add(&loop->wheel, timer, due < now ? UINT64_MAX : due);
    net_loop_touch(loop);
}

void net_timer_stop(struct net_timer *timer)
{
    list_remove(&timer->node);
}

void net_wheel_init(struct net_wheel *wheel, uint64_t now_ms)
{
    for (int level = 0; level < NET_WHEEL_LEVELS; level++)
        for (int slot = 0; slot < NET_WHEEL_SLOTS; slot++)
            list_init(&wheel->slots[level][slot]);
    memset(wheel->occupied, 0, sizeof wheel->occupied);
    wheel->now_ms = now_ms;
}

void net_wheel_clear(struct net_wheel *wheel)
{
    for (int level = 0; level < NET_WHEEL_LEVELS; level++)
        for (int slot = 0; slot < NET_WHEEL_SLOTS; slot++)
            while (list_pop(&wheel->slots[level][slot]))
                ;
}

/* `at` is now or later. */
static void place(struct net_wheel *wheel, struct net_timer *timer, uint64_t at)
{
    uint64_t differs = at ^ wheel->now_ms;
    int level = 0;
    while (level < TOP && differs >> ((level + 1) * DIGIT_BITS))
        level++;
    if (level == TOP) {
        uint64_t now = wheel->now_ms >> (TOP * DIGIT_BITS);
        if ((at >> (TOP * DIGIT_BITS)) - now > DIGIT_MASK)
            at = (now + DIGIT_MASK) << (TOP * DIGIT_BITS); /* to be placed again from there */
    }
    size_t slot = digit(at, level);
    list_append(&wheel->slots[level][slot], &timer->node);
    wheel->occupied[level][slot / 64] |= 1ULL << slot % 64;
}

void net_wheel_add(struct net_wheel *wheel, struct net_timer *timer, uint64_t due_ms)
{
    list_remove(&timer->node);
    timer->due_ms = due_ms > wheel->now_ms ? due_ms : wheel->now_ms + 1;
    place(wheel, timer, timer->due_ms);
}

static void take_slot(struct net_wheel *wheel, int level, size_t slot, struct list *ret_timers)
{
    list_init(ret_timers);
    list_splice(ret_timers, &wheel->slots[level][slot]);
    wheel->occupied[level][slot / 64] &= ~(1ULL << slot % 64);
}

/* First slot from `from` on with timers in it, or -1. */
static int next_slot(const struct net_wheel *wheel, int level, size_t from)
{
    for (size_t word = from / 64; word < NET_WHEEL_SLOTS / 64; word++) {
        uint64_t bits = wheel->occupied[level][word];
        if (word == from / 64)
            bits &= ~0ULL << from % 64;
        for (; bits; bits &= bits - 1) {
            size_t slot = word * 64 + (size_t)__builtin_ctzll(bits);
            if (!list_empty(&wheel->slots[level][slot]))
                return (int)slot;
        }
    }
    return -1;
}

int64_t net_wheel_next(const struct net_wheel *wheel)
{
    for (int level = 0; level < NET_WHEEL_LEVELS; level++) {
        int shift = level * DIGIT_BITS;
        uint64_t round = wheel->now_ms >> shift >> DIGIT_BITS; /* higher digits */
        int slot = next_slot(wheel, level, digit(wheel->now_ms, level) + 1);
        if (slot < 0 && level == TOP) {
            slot = next_slot(wheel, level, 0);
            round++;
        }
        if (slot >= 0)
            return (int64_t)((round << DIGIT_BITS | (uint64_t)slot) << shift) -
                   (int64_t)wheel->now_ms;
    }
    return -1;
}

static void cascade(struct net_wheel *wheel, int level)
{
    struct list timers, *node;
    take_slot(wheel, level, digit(wheel->now_ms, level), &timers);
    while ((node = list_pop(&timers)) != NULL) {
        struct net_timer *timer = LIST_ENTRY(node, struct net_timer, node);
        place(wheel, timer, timer->due_ms);
    }
}

static void fire(struct net_wheel *wheel)
{
    struct list timers, *node;
    take_slot(wheel, 0, digit(wheel->now_ms, 0), &timers);
    while ((node = list_pop(&timers)) != NULL) {
        struct net_timer *timer = LIST_ENTRY(node, struct net_timer, node);
        timer->fn(timer);
    }
}

void net_wheel_advance(struct net_wheel *wheel, uint64_t now_ms)
{
    while (wheel->now_ms < now_ms) {
        int64_t next = net_wheel_next(wheel);
        if (next < 0 || (uint64_t)next > now_ms - wheel->now_ms) {
            wheel->now_ms = now_ms; /* nothing on the way: no slot is passed over */
            return;
        }
        wheel->now_ms += (uint64_t)next;
        for (int level = NET_WHEEL_LEVELS - 1; level > 0; level--)
            if ((wheel->now_ms & ((1ULL << (level * DIGIT_BITS)) - 1)) == 0)
                cascade(wheel, level);
        fire(wheel);
    }
}
