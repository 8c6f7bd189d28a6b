/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intrusive doubly linked list. The head is a node of its own; a node that is in no list
 * has next == NULL (zeroed memory) or points to itself. All O(1), nothing allocates.
 */
#ifndef BATON_BASE_LIST_H
#define BATON_BASE_LIST_H

#include "base/attr.h"
#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head || head->next == NULL;
}

static inline void list_insert_before(struct list *at, struct list *node)
{
    node->prev = at->prev;
    node->next = at;
    at->prev->next = node;
    at->prev = node;
}

static inline void list_append(struct list *head, struct list *node)
{
    list_insert_before(head, node);
}

static inline void list_prepend(struct list *head, struct list *node)
{
    list_insert_before(head->next, node);
}

/** Unlink; harmless on a node that is in no list. */
static inline void list_remove(struct list *node)
{
    if (node->next == NULL) {
        return;
    }
    node->next->prev = node->prev;
    node->prev->next = node->next;
    node->next = node->prev = NULL;
}

static inline bool list_linked(const struct list *node)
{
    return node->next != NULL;
}

#define list_entry(node, type, member) container_of(node, type, member)

/** Walk; the body may remove `it` itself, not its neighbours. */
#define list_each(it, head)                                                              \
    for (struct list *it = (head)->next, *it##_next = it ? it->next : NULL;              \
         it != NULL && it != (head); it = it##_next, it##_next = it->next)

#endif
