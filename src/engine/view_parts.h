/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of views share. */
#ifndef BATON_ENGINE_VIEW_PARTS_H
#define BATON_ENGINE_VIEW_PARTS_H

#include "csta/json_build.h"
#include "cti/view.h"
#include "engine/parts.h"
#include "engine/view.h"

struct view {
    struct engine *e;
    const struct access_principal *who;
    struct out *o;
    uint64_t now_ms;
};

/** One thing each, an object without more around it. */
void view_put_device(const struct view *v, const struct device *d);
void view_put_call(const struct view *v, const struct call *c);
void view_put_record(const struct view *v, const struct record *rec);
void view_put_agent(const struct view *v, const struct cti_agent_about *a);
void view_put_monitor(const struct view *v, const struct cti_monitor_about *m);
void view_put_session(const struct view *v, const struct cti_session_about *s);
void view_put_peer(const struct view *v, const struct peer *p);
void view_put_routing(const struct view *v, const struct cti_routing_about *a);

bool view_sees_device(const struct view *v, const struct device *d);
bool view_sees_call(const struct view *v, const struct call *c);
/** Is it his own, or is he an administrator? */
bool view_sees_application(const struct view *v, struct str application);

/** The array of bindings of a device, by its key. */
void view_put_bindings(const struct view *v, struct str key);
/** Milliseconds since 1970 of a moment on the engine's clock. */
uint64_t view_wall_ms(const struct view *v, uint64_t at_ms);
/** `"name":["A","B"]` of the bits' services. */
void view_put_connection_services(const struct view *v, const struct connection *conn);

#endif
