/*
 * server/access.c - certificate, rules and roles of the server: see access.h.
 */
#include "server/access.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "server/server.h"

/* ---- Files ----------------------------------------------------------------------------------- */

static void file_path(const MrServer *server, MrSettingId id, char *out, size_t room)
{
    const char *name = mr_settings_text(server->settings, id);
    if (name[0] == '/') {
        snprintf(out, room, "%s", name);
    } else {
        snprintf(out, room, "%s/%s", server->data_directory, name);
    }
}

static MrStatus load_tls(const MrServer *server, MrTls **out, MrError *err)
{
    char certificate[4096], key[4096];
    *out = NULL;
    if (!mr_settings_bool(server->settings, MR_SET_SSL)) {
        return MR_OK;
    }
    file_path(server, MR_SET_SSL_CERT_FILE, certificate, sizeof certificate);
    file_path(server, MR_SET_SSL_KEY_FILE, key, sizeof key);
    return mr_tls_create(certificate, key, "postgresql", out, err);
}

static MrStatus load_hba(const MrServer *server, MrHba **out, MrError *err)
{
    char path[4096];
    *out = NULL;
    if (mr_settings_text(server->settings, MR_SET_HBA_FILE)[0] == '\0') {
        return MR_OK;
    }
    file_path(server, MR_SET_HBA_FILE, path, sizeof path);
    return mr_hba_read(path, out, err);
}

MrStatus mr_access_reload(MrServer *server, MrError *err)
{
    MrTls *tls;
    MrHba *hba;
    MR_TRY(load_tls(server, &tls, err));
    MrStatus status = load_hba(server, &hba, err);
    if (status != MR_OK) {
        mr_tls_destroy(tls);
        return status;
    }
    mr_tls_destroy(server->access.tls);
    mr_hba_destroy(server->access.hba);
    server->access.tls = tls;
    server->access.hba = hba;
    return MR_OK;
}

MrStatus mr_access_create(MrServer *server, MrError *err)
{
    MR_TRY(mr_roles_load(server->store, &server->access.roles, err));
    return mr_access_reload(server, err);
}

void mr_access_destroy(MrServer *server)
{
    mr_tls_destroy(server->access.tls);
    mr_hba_destroy(server->access.hba);
    mr_roles_destroy(server->access.roles);
    server->access = (MrAccess){ 0 };
}

/* ---- Decisions ------------------------------------------------------------------------------- */

static void describe(const MrHbaClient *client, char *out, size_t room)
{
    char host[INET6_ADDRSTRLEN] = "[local]";
    if (client->address != NULL && client->address->sa_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)client->address)->sin_addr,
                  host, sizeof host);
    } else if (client->address != NULL) {
        inet_ntop(AF_INET6,
                  &((const struct sockaddr_in6 *)(const void *)client->address)->sin6_addr, host,
                  sizeof host);
    }
    snprintf(out, room, "host \"%s\", user \"%.63s\", database \"%.63s\", %s", host, client->user,
             client->database, client->is_encrypted ? "SSL encryption" : "no encryption");
}

MrStatus mr_access_method(const MrServer *server, const MrHbaClient *client, MrHbaMethod *out,
                          MrError *err)
{
    char who[256];
    const MrAccess *access = &server->access;
    if (access->hba == NULL) {
        /* The listener is on loopback and the Unix socket only. */
        *out = client->address != NULL && mr_roles_have_password(access->roles) ? MR_HBA_SCRAM
                                                                                : MR_HBA_TRUST;
        return MR_OK;
    }
    if (mr_hba_method(access->hba, client, out)) {
        if (*out != MR_HBA_REJECT) {
            return MR_OK;
        }
        describe(client, who, sizeof who);
        return mr_error_set(err, MR_ERR_INVALID_AUTHORIZATION,
                            "the hba file rejects connection for %s", who);
    }
    describe(client, who, sizeof who);
    return mr_error_set(err, MR_ERR_INVALID_AUTHORIZATION, "no line of the hba file is for %s",
                        who);
}

bool mr_access_check_password(const MrServer *server, MrString user, MrString password)
{
    char name[64];
    MrScramVerifier verifier;
    if (server->access.hba == NULL && !mr_roles_have_password(server->access.roles)) {
        return true;
    }
    if (user.length >= sizeof name || memchr(user.data, '\0', user.length) != NULL) {
        return false;
    }
    memcpy(name, user.data, user.length);
    name[user.length] = '\0';
    mr_roles_verifier(server->access.roles, name, &verifier);
    return mr_scram_check(&verifier, password);
}
