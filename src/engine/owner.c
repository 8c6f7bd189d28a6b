/* SPDX-License-Identifier: Apache-2.0 */
/* Of whom there are operations: see owner.h. */
#include "engine/owner.h"

int owners_init(struct owners *all, const struct mem *mem, struct hash_key key)
{
    *all = (struct owners){.key = key, .mem = mem};
    return map_init(&all->map, mem, 16);
}

void owners_fini(struct owners *all)
{
    map_fini(&all->map);
}

struct owner *owner_find(const struct owners *all, struct str name)
{
    struct map_node *n = map_first(&all->map, hash_bytes(&all->key, name));

    for (; n != NULL; n = map_next(n)) {
        struct owner *of = container_of(n, struct owner, node);
        if (str_eq(of->name, name)) {
            return of;
        }
    }
    return NULL;
}

struct owner *owner_take(struct owners *all, struct str name)
{
    struct owner *of = owner_find(all, name);

    if (of == NULL) {
        of = mem_zalloc(all->mem, sizeof(*of) + name.n);
        if (of == NULL) {
            return NULL;
        }
        if (name.n > 0) {
            memcpy(of + 1, name.p, name.n);
        }
        of->name = str_make((const char *)(of + 1), name.n);
        list_init(&of->ended);
        map_add(&all->map, &of->node, hash_bytes(&all->key, name));
    }
    of->count++;
    return of;
}

void owner_leave(struct owners *all, struct owner *of)
{
    if (--of->count == 0) {
        map_remove(&all->map, &of->node);
        mem_free(all->mem, of);
    }
}
