/* The limit: what a compiled loop needs for the same work, for tests/benchmarks/engines.py. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void fifo_path(const double *arrivals, const double *services, double *waits, int64_t n,
                      int64_t c) {
    double *free_at = calloc(c, sizeof(double)); /* a binary heap, the earliest first */
    for (int64_t i = 0; i < n; i++) {
        double start = arrivals[i] > free_at[0] ? arrivals[i] : free_at[0];
        waits[i] = start - arrivals[i];
        double done = start + services[i];
        int64_t hole = 0;
        for (int64_t child; (child = 2 * hole + 1) < c; hole = child) {
            if (child + 1 < c && free_at[child + 1] < free_at[child]) child++;
            if (free_at[child] >= done) break;
            free_at[hole] = free_at[child];
        }
        free_at[hole] = done;
    }
    free(free_at);
}

/* First come, first served, c servers: write each customer's wait, for each of the paths. */
void fifo(const double *arrivals, const double *services, double *waits, int64_t paths, int64_t n,
          int64_t c) {
    for (int64_t p = 0; p < paths; p++)
        fifo_path(arrivals + p * n, services + p * n, waits + p * n, n, c);
}

/* Least recently used: count the hits of a cache with room for `capacity` of `keys` keys. */
int64_t lru_hits(const int64_t *requests, int64_t n, int64_t keys, int64_t capacity) {
    int64_t *before = malloc((keys + 1) * sizeof(int64_t)), *after = malloc((keys + 1) * sizeof(int64_t));
    char *cached = calloc(keys, 1);
    int64_t head = keys, held = 0, hits = 0; /* `keys` is the sentinel of a doubly linked ring */
    before[head] = after[head] = head;
    for (int64_t i = 0; i < n; i++) {
        int64_t key = requests[i];
        if (cached[key]) {
            hits++;
            after[before[key]] = after[key];
            before[after[key]] = before[key];
        } else {
            if (held == capacity) {
                int64_t oldest = before[head];
                before[head] = before[oldest];
                after[before[head]] = head;
                cached[oldest] = 0;
            } else {
                held++;
            }
            cached[key] = 1;
        }
        after[key] = after[head];
        before[key] = head;
        before[after[head]] = key;
        after[head] = key;
    }
    free(before), free(after), free(cached);
    return hits;
}

/* Join the shorter of two sampled queues: write each request's wait. */
void two_choices(const double *arrivals, const double *services, const int64_t *first,
                 const int64_t *second, double *waits, int64_t n, int64_t servers) {
    /* Per server: departure times in a ring that grows when it is full. */
    typedef struct { double *at; int64_t head, count, room; } queue;
    queue *queues = calloc(servers, sizeof(queue));
    for (int64_t i = 0; i < n; i++) {
        int64_t pair[2] = {first[i], second[i]};
        for (int k = 0; k < 2; k++) {
            queue *q = &queues[pair[k]];
            while (q->count && q->at[q->head] <= arrivals[i]) {
                q->head = (q->head + 1) % q->room;
                q->count--;
            }
        }
        queue *q = &queues[queues[pair[1]].count < queues[pair[0]].count ? pair[1] : pair[0]];
        double last = q->count ? q->at[(q->head + q->count - 1) % q->room] : 0.0;
        double start = arrivals[i] > last ? arrivals[i] : last;
        waits[i] = start - arrivals[i];
        if (q->count == q->room) {
            int64_t room = q->room ? 2 * q->room : 16;
            double *at = malloc(room * sizeof(double));
            for (int64_t k = 0; k < q->count; k++) at[k] = q->at[(q->head + k) % q->room];
            free(q->at);
            q->at = at, q->head = 0, q->room = room;
        }
        q->at[(q->head + q->count++) % q->room] = start + services[i];
    }
    for (int64_t s = 0; s < servers; s++) free(queues[s].at);
    free(queues);
}
