/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of src/seal share.
 *
 *     frame.c    the plain part of a frame, and what is sealed with the octets
 *     keys.c     the table
 *     siv.c, box.c, sign.c   one algorithm each: row made ready, close, open
 *     replay.c   the memory of frames
 *     seal.c     the two questions, in the order in which they are asked
 */
#ifndef BATON_SEAL_PARTS_H
#define BATON_SEAL_PARTS_H

#include "seal/seal.h"

struct evp_cipher_st;
struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;
struct evp_md_ctx_st;
struct evp_pkey_st;

/* ---- frame.c */

#define SEAL_LABEL "baton uui seal 1"
#define SEAL_FORM 0xb2 /**< 1011 001 0: a seal, version 1, without salt */
#define SEAL_SALT 8
#define SEAL_HEADER_MAX 15 /**< form, key id, time, salt */
#define SEAL_AAD_MAX (sizeof(SEAL_LABEL) + 2 * 256 + 2 + SEAL_HEADER_MAX)

/** The header of a frame, from the form octet on. @return its octets */
size_t seal_write_header(uint8_t *to, uint16_t key_id, uint32_t time, const uint8_t *salt);

/** What is sealed with the octets. @return its octets; 0: `about` is none */
size_t seal_write_aad(char *to, const struct seal_about *about, struct str header);

/* ---- keys.c */

/** A row that is ready. OpenSSL's contexts hold its secrets, and wipe them. */
struct seal_row {
    uint16_t id;
    uint8_t alg, use;
    bool signs;          /**< ed25519: it is our own key */
    struct str identity; /**< in memory of the row, and so are the packages */
    struct str *packages;
    size_t package_count;
    uint64_t not_before_s, not_after_s;
    struct evp_cipher_ctx_st *siv_close, *siv_open;
    struct evp_mac_ctx_st *box; /**< HMAC with the key that both parties have */
    uint8_t own_public[32], peer_public[32];
    struct evp_pkey_st *pkey;
};

struct seal_keys {
    const struct mem *mem;
    struct seal_row **row; /**< by id, rising */
    size_t count, room;
    struct evp_cipher_st *siv[2], *chacha; /**< with keys of 32 and of 64 octets */
    struct evp_cipher_ctx_st *work;
    struct evp_md_ctx_st *md;
};

struct seal_row *seal_row_find(const struct seal_keys *k, uint16_t id);
bool seal_row_is_for(const struct seal_row *r, struct str package);
bool seal_row_is_valid(const struct seal_row *r, uint64_t wall_s);
/** Does it have what sealing takes? */
bool seal_row_closes(const struct seal_row *r);

/* ---- siv.c, box.c, sign.c */

/** Octets that the algorithm adds to the body. */
enum { SEAL_SIV_ADDS = 16, SEAL_BOX_NONCE = 20, SEAL_BOX_ADDS = 36, SEAL_SIGN_ADDS = 64 };
static inline size_t seal_alg_adds(unsigned alg)
{
    return alg == SEAL_AES_SIV  ? SEAL_SIV_ADDS
           : alg == SEAL_X25519 ? SEAL_BOX_ADDS
                                : SEAL_SIGN_ADDS;
}

/** What all three get: the row, what goes with the octets, and the frame's time as it stands
    there (x25519). */
struct seal_job {
    struct seal_keys *keys;
    struct seal_row *row;
    struct str aad;
    const char *time;
};

/** @return 0, E_VALUE (why), E_NOMEM */
int seal_siv_ready(struct seal_keys *k, struct seal_row *r, const struct seal_key *key,
                   const char **why);
int seal_box_ready(struct seal_keys *k, struct seal_row *r, const struct seal_key *key,
                   const char **why);
int seal_sign_ready(struct seal_keys *k, struct seal_row *r, const struct seal_key *key,
                    const char **why);

/** Write body and tag, plain.n + seal_alg_adds(): of x25519, `to` begins with the random part
    of its nonce. @return false: the library failed */
bool seal_siv_close(const struct seal_job *j, struct str plain, char *to);
bool seal_box_close(const struct seal_job *j, struct str plain, char *to);
bool seal_sign_close(const struct seal_job *j, struct str plain, char *to);

/** Write the plain octets, rest.n - seal_alg_adds() of them. @return false: forged, or the
    library failed; nothing of the plain octets is in `to` then */
bool seal_siv_open(const struct seal_job *j, struct str rest, char *to);
/** @param own  out: it was made with our half of the pair */
bool seal_box_open(const struct seal_job *j, struct str rest, char *to, bool *own);
bool seal_sign_open(const struct seal_job *j, struct str rest, char *to);

/* ---- replay.c */

#define SEAL_MARK 16
#define SEAL_MESSAGES 4 /**< under which one frame may come */

/** A frame that was verified, or made here. */
struct remembered {
    struct map_node by_mark;
    struct list by_age;
    uint8_t mark[SEAL_MARK];
    uint64_t message[SEAL_MESSAGES];
    uint32_t time;
    uint8_t message_count;
    bool own;
};

int seal_replay_init(struct seal *s);
void seal_replay_fini(struct seal *s);

/** Which frame: all its octets and what they are for. @return false: the library failed */
bool seal_mark(struct seal *s, struct str aad, struct str rest, uint8_t *mark);
struct remembered *seal_recall(const struct seal *s, const uint8_t *mark);

/** Seconds by which `time` of a frame is before `wall_s`; negative: after. */
static inline int32_t seal_age(uint32_t time, uint64_t wall_s)
{
    return (int32_t)((uint32_t)wall_s - time);
}

/** @return NULL: it is from before what was forgotten, or memory is out (*full) */
struct remembered *seal_remember(struct seal *s, const uint8_t *mark, uint32_t time,
                                 uint64_t wall_s, bool *full);
/** @return false: it is known with as many as can be */
bool seal_add_message(struct remembered *r, uint64_t message);
bool seal_has_message(const struct remembered *r, uint64_t message);

#endif
