/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions over real connections: the way back over TLS when the connection is gone. */
#include "fixture_txn.h"
#include "kit_tls.h"

static struct fx_msg msg;

/**
 * The phone of sent-by listens with a certificate of that name, as RFC 3261 §18.2.2 expects of
 * who wants his answer although he has closed the connection. Its address proves nothing.
 */
static void test_answer_over_a_new_connection(void)
{
    static const char *const names[] = {"DNS:phone.example.com", "DNS:other.example.com"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct pki p;
        struct world server, phone;
        struct wheel wheel;
        struct txn_layer l;
        struct txn *t = NULL;
        char via[128];
        pki_init(&p, names[i]);
        world_init(&server, (struct net_config){0});
        world_init(&phone, (struct net_config){0});
        load(&server, &p.tls);
        load(&phone, &p.tls);
        struct addr at = listen_at(&phone, TP_TLS);
        wheel_init(&wheel, 1000);
        REQUIRE(txn_layer_init(&l, server.env, &wheel, NULL, 0) == 0);
        (void)snprintf(via, sizeof via, "SIP/2.0/TLS phone.example.com:%u;branch=z9hG4bKx",
                       at.port);
        const struct sip_msg *m =
            fx_request(&msg, (struct fx_req){.method = "INFO", .via = via});
        struct hop gone = {12345, TP_TLS, at};
        gone.remote.port = 40000;
        CHECK_INT(txn_on_request(&l, m, &gone, 1000, &t), TXN_IN_NEW);
        t = txn_server_new(&l, m, &gone, NULL, NULL, 1000);
        REQUIRE(t != NULL);
        CHECK_INT(txn_reply_status(t, 200, 1000), 0);
        if (i == 0) {
            CHECK(both_until(&server, &phone, &phone.inputs, 1));
            CHECK(str_starts(str_make(phone.text, phone.text_n), STR("SIP/2.0 200 OK\r\n")));
        } else { /* not the one who is named */
            CHECK(both_until(&server, &phone, &server.closed, 1));
            CHECK_INT(phone.inputs, 0);
        }
        txn_layer_fini(&l);
        world_fini(&server);
        world_fini(&phone);
        pki_fini(&p);
    }
}

TEST_MAIN(T(test_answer_over_a_new_connection))
