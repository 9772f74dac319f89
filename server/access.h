/*
 * server/access.h - the door: certificate, rules of who may come in, roles; and a client's way
 * through it after its start-up message.  Only on the event loop's thread.
 */
#ifndef MR_SERVER_ACCESS_H
#define MR_SERVER_ACCESS_H

#include "server/hba.h"
#include "server/roles.h"
#include "server/tls.h"

struct MrServer;
struct MrSession;

typedef struct MrAccess {
    MrTls *tls; /* NULL: off */
    MrHba *hba; /* the file's; NULL: the rules that hold without one */
    MrRoles *roles;
} MrAccess;

/* Reads what the settings name; an error stops the start. */
MrStatus mr_access_create(struct MrServer *server, MrError *err);
/* SIGHUP: reads all of it again; after an error the old rules and certificate stand. */
MrStatus mr_access_reload(struct MrServer *server, MrError *err);
void mr_access_destroy(struct MrServer *server);

/* How the client is to show who it is.  MR_ERR_INVALID_AUTHORIZATION: no rule lets it in. */
MrStatus mr_access_method(const struct MrServer *server, const MrHbaClient *client,
                          MrHbaMethod *out, MrError *err);
/* Whether name and password open the door for an HTTP request from this machine.  True while
 * nobody needs a password. */
bool mr_access_check_password(const struct MrServer *server, MrString user, MrString password);

/* A log-in that waits for the client's proof. */
typedef struct MrLogin MrLogin;
/* Decides for the session's user; *out NULL: it is in already.  Else the request for SASL is in
 * its output and its messages go to mr_login_take until that says true or has ended it. */
MrStatus mr_login_begin(struct MrSession *session, MrLogin **out, MrError *err);
/* Takes a message if a whole one is there.  *is_in true: the proof fits.  False: none was there. */
bool mr_login_take(struct MrSession *session, bool *is_in);
void mr_login_destroy(MrLogin *login); /* accepts NULL */

#endif
