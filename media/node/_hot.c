/*
 * The hot path of a two-party call, compiled: read datagrams, open, copy to the recorder's inbox,
 * put the far leg's numbers on, seal, send. Everything else is handed back to Python, which also
 * decides what is hot (fast.py) and does the same work, slower, where this module is not built.
 *
 * Sessions are libsrtp's. Runs under the GIL, in the event loop's thread, and never blocks.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <srtp2/srtp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64
#define DATAGRAM 2048
#define ROOM (DATAGRAM + SRTP_MAX_TRAILER_LEN + 4)
#define ROWS 8
#define SLOTS 4096 /* of the address table; a power of two, more than twice the routes */
#define INBOX_MOST 20000
#define HEAD 48

static PyObject *SrtpError;

static double monotonic_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Session: one direction of one connection. */

typedef struct {
  PyObject_HEAD srtp_t srtp;
} Session;

static int session_init(Session *self, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"key", "profile", "inbound", "window", NULL};
  Py_buffer key;
  int profile, inbound, window;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "y*ipi", names, &key, &profile, &inbound,
                                   &window))
    return -1;
  srtp_policy_t policy;
  memset(&policy, 0, sizeof policy);
  int wrong =
      srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, (srtp_profile_t)profile) ||
      srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, (srtp_profile_t)profile);
  if (!wrong && key.len != policy.rtp.cipher_key_len) wrong = 1;
  if (!wrong) {
    policy.ssrc.type = inbound ? ssrc_any_inbound : ssrc_any_outbound;
    policy.key = key.buf;
    policy.window_size = (unsigned long)window;
    if (self->srtp != NULL) srtp_dealloc(self->srtp);
    self->srtp = NULL;
    wrong = srtp_create(&self->srtp, &policy) != srtp_err_status_ok;
  }
  PyBuffer_Release(&key);
  if (wrong) PyErr_SetString(SrtpError, "bad SRTP key or profile");
  return wrong ? -1 : 0;
}

static void session_dealloc(Session *self) {
  if (self->srtp != NULL) srtp_dealloc(self->srtp);
  Py_TYPE(self)->tp_free((PyObject *)self);
}

typedef srtp_err_status_t (*Work)(srtp_t, void *, int *);

static PyObject *session_work(Session *self, PyObject *data, Work work, int least) {
  unsigned char buffer[ROOM];
  char *bytes;
  Py_ssize_t size;
  if (PyBytes_AsStringAndSize(data, &bytes, &size) < 0) return NULL;
  if (size < least || size > DATAGRAM || self->srtp == NULL) {
    PyErr_SetString(SrtpError, "the packet is too short or too long");
    return NULL;
  }
  memcpy(buffer, bytes, (size_t)size);
  int length = (int)size;
  srtp_err_status_t status = work(self->srtp, buffer, &length);
  if (status != srtp_err_status_ok) {
    PyErr_Format(SrtpError, "libsrtp status %d", (int)status);
    return NULL;
  }
  return PyBytes_FromStringAndSize((char *)buffer, length);
}

static PyObject *session_protect(Session *self, PyObject *data) {
  return session_work(self, data, srtp_protect, 12);
}
static PyObject *session_unprotect(Session *self, PyObject *data) {
  return session_work(self, data, srtp_unprotect, 12);
}
static PyObject *session_protect_rtcp(Session *self, PyObject *data) {
  return session_work(self, data, srtp_protect_rtcp, 8);
}
static PyObject *session_unprotect_rtcp(Session *self, PyObject *data) {
  return session_work(self, data, srtp_unprotect_rtcp, 8);
}

static PyMethodDef session_methods[] = {
    {"protect", (PyCFunction)session_protect, METH_O, "Seal one RTP packet."},
    {"unprotect", (PyCFunction)session_unprotect, METH_O, "Open one SRTP packet."},
    {"protect_rtcp", (PyCFunction)session_protect_rtcp, METH_O, "Seal one RTCP compound."},
    {"unprotect_rtcp", (PyCFunction)session_unprotect_rtcp, METH_O, "Open one SRTCP compound."},
    {NULL, NULL, 0, NULL}};

static PyTypeObject SessionType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "media.node._hot.Session",
    .tp_doc = "One direction of one connection's SRTP; raises Error for what is not authentic.",
    .tp_basicsize = sizeof(Session),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)session_init,
    .tp_dealloc = (destructor)session_dealloc,
    .tp_methods = session_methods,
};

/* Route: what happens to the media that come from one address. */

typedef struct {
  unsigned char ssrc[4], out_ssrc[4];
  unsigned char types[16]; /* a bit for each payload type */
  uint16_t sequence_shift, last_sequence;
  uint32_t timestamp_shift, last_timestamp;
  int counted;   /* last_sequence is one: this SSRC was sent before, by any way */
  double last_s; /* 0 until this route sent something newer */
  unsigned char head[HEAD];
  int head_length;
  PyObject *track; /* what the inbox calls it */
} Row;

typedef struct {
  PyObject_HEAD struct sockaddr_storage from, to;
  socklen_t from_length, to_length;
  Session *in, *out;
  PyObject *inbox; /* a list, or None */
  int rows;
  Row row[ROWS];
  long long budget;
  unsigned long long received, received_bytes, forwarded, refused, flooded, unsent, overflow;
  double heard_s;
} Route;

static int to_address(const char *host, int port, struct sockaddr_storage *address,
                      socklen_t *length, int family) {
  memset(address, 0, sizeof *address);
  struct sockaddr_in *four = (struct sockaddr_in *)address;
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;
  if (family == AF_INET && inet_pton(AF_INET, host, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)port);
    *length = sizeof *four;
    return 0;
  }
  if (family == AF_INET6 && inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    *length = sizeof *six;
    return 0;
  }
  PyErr_Format(PyExc_ValueError, "no address of this socket's family: %s", host);
  return -1;
}

static int same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b) {
  if (a->ss_family != b->ss_family) return 0;
  if (a->ss_family == AF_INET) {
    const struct sockaddr_in *x = (const void *)a, *y = (const void *)b;
    return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
  }
  const struct sockaddr_in6 *x = (const void *)a, *y = (const void *)b;
  return x->sin6_port == y->sin6_port && !memcmp(&x->sin6_addr, &y->sin6_addr, 16);
}

static unsigned hash_address(const struct sockaddr_storage *a) {
  unsigned hash = 2166136261u;
  const unsigned char *bytes;
  size_t count;
  uint16_t port;
  if (a->ss_family == AF_INET) {
    const struct sockaddr_in *x = (const void *)a;
    bytes = (const void *)&x->sin_addr, count = 4, port = x->sin_port;
  } else {
    const struct sockaddr_in6 *x = (const void *)a;
    bytes = (const void *)&x->sin6_addr, count = 16, port = x->sin6_port;
  }
  for (size_t i = 0; i < count; i++) hash = (hash ^ bytes[i]) * 16777619u;
  hash = (hash ^ (port & 0xff)) * 16777619u;
  hash = (hash ^ (port >> 8)) * 16777619u;
  return hash & (SLOTS - 1);
}

static void route_empty(Route *self) {
  for (int i = 0; i < self->rows; i++) Py_CLEAR(self->row[i].track);
  self->rows = 0;
}

static void route_dealloc(Route *self) {
  route_empty(self);
  Py_CLEAR(self->in);
  Py_CLEAR(self->out);
  Py_CLEAR(self->inbox);
  Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *route_add(Route *self, PyObject *args) {
  unsigned int ssrc, out_ssrc, sequence_shift, timestamp_shift;
  int last_sequence;
  PyObject *types, *track;
  if (!PyArg_ParseTuple(args, "IO!OIIIi", &ssrc, &PyTuple_Type, &types, &track, &out_ssrc,
                        &sequence_shift, &timestamp_shift, &last_sequence))
    return NULL;
  if (self->rows == ROWS) {
    PyErr_SetString(PyExc_ValueError, "a route has at most 8 rows");
    return NULL;
  }
  Row *row = &self->row[self->rows];
  memset(row, 0, sizeof *row);
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(types); i++) {
    long type = PyLong_AsLong(PyTuple_GET_ITEM(types, i));
    if (type < 0 || type > 127) {
      if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "no payload type");
      return NULL;
    }
    row->types[type >> 3] |= (unsigned char)(1 << (type & 7));
  }
  uint32_t in = htonl(ssrc), out = htonl(out_ssrc);
  memcpy(row->ssrc, &in, 4);
  memcpy(row->out_ssrc, &out, 4);
  row->sequence_shift = (uint16_t)sequence_shift;
  row->timestamp_shift = timestamp_shift;
  row->counted = last_sequence >= 0;
  row->last_sequence = (uint16_t)last_sequence;
  row->track = Py_NewRef(track);
  self->rows++;
  Py_RETURN_NONE;
}

static PyObject *route_last(Route *self, PyObject *number) {
  unsigned long ssrc = PyLong_AsUnsignedLong(number);
  if (ssrc == (unsigned long)-1 && PyErr_Occurred()) return NULL;
  uint32_t wanted = htonl((uint32_t)ssrc);
  for (int i = 0; i < self->rows; i++) {
    Row *row = &self->row[i];
    if (!memcmp(row->ssrc, &wanted, 4) && row->last_s > 0)
      return Py_BuildValue("Hkdy#", row->last_sequence, (unsigned long)row->last_timestamp,
                           row->last_s, (char *)row->head, (Py_ssize_t)row->head_length);
  }
  Py_RETURN_NONE;
}

static PyMethodDef route_methods[] = {
    {"add", (PyCFunction)route_add, METH_VARARGS,
     "add(ssrc, payload_types, track, out_ssrc, sequence_shift, timestamp_shift, last_sequence)"},
    {"last", (PyCFunction)route_last, METH_O,
     "What is newest of this SSRC: out sequence, source time stamp, when, head; None if it is not "
     "this route's."},
    {NULL, NULL, 0, NULL}};

#define COUNTER(name) \
  {#name, T_ULONGLONG, offsetof(Route, name), 0, "count since the route was made"}
static PyMemberDef route_members[] = {
    COUNTER(received), COUNTER(received_bytes), COUNTER(forwarded), COUNTER(refused),
    COUNTER(flooded), COUNTER(unsent), COUNTER(overflow),
    {"budget", T_LONGLONG, offsetof(Route, budget), 0, "bytes the party may still send"},
    {"heard_s", T_DOUBLE, offsetof(Route, heard_s), READONLY, "when it was heard, monotonic"},
    {NULL, 0, 0, 0, NULL}};

static PyTypeObject RouteType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "media.node._hot.Route",
    .tp_doc = "What happens to the media from one address.",
    .tp_basicsize = sizeof(Route),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)route_dealloc,
    .tp_methods = route_methods,
    .tp_members = route_members,
};

/* Drain: one socket and its routes. */

typedef struct {
  PyObject_HEAD int fd, family;
  int routes;
  unsigned long long oversized;
  Route *slot[SLOTS];
  unsigned char buffer[BATCH][ROOM];
  struct sockaddr_storage from[BATCH];
  struct iovec in_part[BATCH], out_part[BATCH];
  struct mmsghdr in[BATCH], out[BATCH];
  Route *sender[BATCH];
} Drain;

static int drain_init(Drain *self, PyObject *args, PyObject *kwargs) {
  static char *names[] = {"fd", "family", NULL};
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "ii", names, &self->fd, &self->family)) return -1;
  for (int i = 0; i < BATCH; i++) {
    self->in_part[i].iov_base = self->buffer[i];
    self->in_part[i].iov_len = DATAGRAM;
    self->in[i].msg_hdr.msg_iov = &self->in_part[i];
    self->in[i].msg_hdr.msg_iovlen = 1;
    self->in[i].msg_hdr.msg_name = &self->from[i];
    self->out[i].msg_hdr.msg_iov = &self->out_part[i];
    self->out[i].msg_hdr.msg_iovlen = 1;
  }
  return 0;
}

static void drain_dealloc(Drain *self) {
  for (int i = 0; i < SLOTS; i++) Py_CLEAR(self->slot[i]);
  Py_TYPE(self)->tp_free((PyObject *)self);
}

static unsigned find_slot(Drain *self, const struct sockaddr_storage *from) {
  unsigned at = hash_address(from);
  while (self->slot[at] != NULL && !same_address(&self->slot[at]->from, from))
    at = (at + 1) & (SLOTS - 1);
  return at;
}

static PyObject *drain_remove(Drain *self, PyObject *route) {
  if (!PyObject_TypeCheck(route, &RouteType)) {
    PyErr_SetString(PyExc_TypeError, "not a route");
    return NULL;
  }
  unsigned at = find_slot(self, &((Route *)route)->from);
  if (self->slot[at] != (Route *)route) Py_RETURN_FALSE;
  self->slot[at] = NULL;
  self->routes--;
  /* Those behind it in the same run move up, so that they are still found. */
  for (unsigned next = (at + 1) & (SLOTS - 1); self->slot[next] != NULL;
       next = (next + 1) & (SLOTS - 1)) {
    Route *moved = self->slot[next];
    self->slot[next] = NULL;
    self->slot[find_slot(self, &moved->from)] = moved;
  }
  Py_DECREF(route);
  Py_RETURN_TRUE;
}

static PyObject *drain_route(Drain *self, PyObject *args) {
  const char *host, *to_host;
  int port, to_port;
  Session *in, *out;
  PyObject *inbox;
  if (!PyArg_ParseTuple(args, "siO!siO!O", &host, &port, &SessionType, &in, &to_host, &to_port,
                        &SessionType, &out, &inbox))
    return NULL;
  if (inbox != Py_None && !PyList_CheckExact(inbox)) {
    PyErr_SetString(PyExc_TypeError, "the inbox is a list or None");
    return NULL;
  }
  if (self->routes >= SLOTS / 2) {
    PyErr_SetString(PyExc_ValueError, "too many routes");
    return NULL;
  }
  Route *route = PyObject_New(Route, &RouteType);
  if (route == NULL) return NULL;
  memset((char *)route + sizeof(PyObject), 0, sizeof *route - sizeof(PyObject));
  if (to_address(host, port, &route->from, &route->from_length, self->family) < 0 ||
      to_address(to_host, to_port, &route->to, &route->to_length, self->family) < 0) {
    Py_DECREF(route);
    return NULL;
  }
  route->in = (Session *)Py_NewRef((PyObject *)in);
  route->out = (Session *)Py_NewRef((PyObject *)out);
  route->inbox = Py_NewRef(inbox);
  unsigned at = find_slot(self, &route->from);
  if (self->slot[at] == NULL) self->routes++;
  Py_XSETREF(self->slot[at], (Route *)Py_NewRef((PyObject *)route));
  return (PyObject *)route;
}

/* The row for this still sealed packet; NULL if Python must look at it. */
static Row *hot_row(Route *route, const unsigned char *packet, unsigned length) {
  if (length < 12 || packet[0] >> 6 != 2) return NULL;
  unsigned type = packet[1] & 0x7f;
  if (packet[1] >= 192 && packet[1] <= 223) return NULL; /* RTCP (RFC 5761) */
  for (int i = 0; i < route->rows; i++) {
    Row *row = &route->row[i];
    if (!memcmp(row->ssrc, packet + 8, 4))
      return row->types[type >> 3] & (1 << (type & 7)) ? row : NULL;
  }
  return NULL;
}

static int keep(Route *route, Row *row, const unsigned char *packet, int length, PyObject *now) {
  if (route->inbox == Py_None) return 0;
  if (PyList_GET_SIZE(route->inbox) >= INBOX_MOST) {
    route->overflow++;
    return 0;
  }
  PyObject *bytes = PyBytes_FromStringAndSize((const char *)packet, length);
  PyObject *entry = bytes == NULL ? NULL : PyTuple_Pack(3, row->track, bytes, now);
  int failed = entry == NULL || PyList_Append(route->inbox, entry) < 0;
  Py_XDECREF(bytes);
  Py_XDECREF(entry);
  return failed ? -1 : 0;
}

/* Put the far leg's numbers on a plain packet, and remember them. */
static void renumber(Row *row, unsigned char *packet, int length, double now) {
  uint16_t sequence;
  uint32_t timestamp;
  memcpy(&sequence, packet + 2, 2);
  memcpy(&timestamp, packet + 4, 4);
  uint32_t source_timestamp = ntohl(timestamp);
  uint16_t out = (uint16_t)(ntohs(sequence) + row->sequence_shift);
  sequence = htons(out);
  timestamp = htonl(source_timestamp + row->timestamp_shift);
  memcpy(packet + 2, &sequence, 2);
  memcpy(packet + 4, &timestamp, 4);
  memcpy(packet + 8, row->out_ssrc, 4);
  if (!row->counted || !((uint16_t)(out - row->last_sequence) & 0x8000)) {
    row->counted = 1;
    row->last_sequence = out;
    row->last_timestamp = source_timestamp;
    row->last_s = now;
    row->head_length = length < HEAD ? length : HEAD;
    memcpy(row->head, packet, (size_t)row->head_length);
  }
}

static PyObject *cold(Drain *self, int i, PyObject *found) {
  char host[INET6_ADDRSTRLEN];
  const struct sockaddr_storage *from = &self->from[i];
  const struct sockaddr_in *four = (const void *)from;
  const struct sockaddr_in6 *six = (const void *)from;
  int is_four = from->ss_family == AF_INET;
  inet_ntop(from->ss_family, is_four ? (const void *)&four->sin_addr : (const void *)&six->sin6_addr,
            host, sizeof host);
  int port = ntohs(is_four ? four->sin_port : six->sin6_port);
  PyObject *entry = Py_BuildValue("y#(si)", (char *)self->buffer[i],
                                  (Py_ssize_t)self->in[i].msg_len, host, port);
  if (entry == NULL || PyList_Append(found, entry) < 0) {
    Py_XDECREF(entry);
    return NULL;
  }
  Py_DECREF(entry);
  return found;
}

static void flush(Drain *self, int queued) {
  int sent = 0;
  while (sent < queued) {
    int count = sendmmsg(self->fd, self->out + sent, (unsigned)(queued - sent), MSG_DONTWAIT);
    if (count <= 0) {
      if (errno == EINTR) continue;
      self->sender[sent]->unsent++; /* full, or this one is unreachable: the next may not be */
      count = 1;
    }
    sent += count;
  }
}

static PyObject *drain_read(Drain *self, PyObject *ignored) {
  (void)ignored;
  for (int i = 0; i < BATCH; i++) {
    self->in[i].msg_hdr.msg_namelen = sizeof self->from[i];
    self->in[i].msg_hdr.msg_flags = 0;
  }
  int count = recvmmsg(self->fd, self->in, BATCH, MSG_DONTWAIT, NULL);
  PyObject *found = PyList_New(0);
  if (found == NULL || count <= 0) return found; /* nothing, or an earlier send's ICMP error */
  double now_s = monotonic_s();
  PyObject *now = PyFloat_FromDouble(now_s);
  int queued = 0, failed = now == NULL;
  for (int i = 0; i < count && !failed; i++) {
    unsigned char *packet = self->buffer[i];
    int length = (int)self->in[i].msg_len;
    if (self->in[i].msg_hdr.msg_flags & MSG_TRUNC) {
      self->oversized++;
      continue;
    }
    Route *route = self->slot[find_slot(self, &self->from[i])];
    Row *row = route == NULL ? NULL : hot_row(route, packet, (unsigned)length);
    if (row == NULL) {
      failed = cold(self, i, found) == NULL;
      continue;
    }
    if (route->budget < length) {
      route->flooded++;
      continue;
    }
    route->budget -= length;
    if (srtp_unprotect(route->in->srtp, packet, &length) != srtp_err_status_ok || length < 12) {
      route->refused++;
      continue;
    }
    route->received++;
    route->received_bytes += (unsigned long long)length;
    route->heard_s = now_s;
    if (keep(route, row, packet, length, now) < 0) {
      failed = 1;
      break;
    }
    renumber(row, packet, length, now_s);
    if (srtp_protect(route->out->srtp, packet, &length) != srtp_err_status_ok) {
      route->unsent++;
      continue;
    }
    route->forwarded++;
    self->out_part[queued].iov_base = packet;
    self->out_part[queued].iov_len = (size_t)length;
    self->out[queued].msg_hdr.msg_name = &route->to;
    self->out[queued].msg_hdr.msg_namelen = route->to_length;
    self->sender[queued++] = route;
  }
  flush(self, queued);
  Py_XDECREF(now);
  if (failed) {
    Py_DECREF(found);
    return NULL;
  }
  return found;
}

static PyMethodDef drain_methods[] = {
    {"read", (PyCFunction)drain_read, METH_NOARGS,
     "Read up to 64 datagrams, pass on what is hot; (datagram, (host, port)) of the others."},
    {"route", (PyCFunction)drain_route, METH_VARARGS,
     "route(host, port, inbound, to_host, to_port, outbound, inbox): a route without rows."},
    {"remove", (PyCFunction)drain_remove, METH_O, "What comes from there is Python's again."},
    {NULL, NULL, 0, NULL}};

static PyMemberDef drain_members[] = {
    {"oversized", T_ULONGLONG, offsetof(Drain, oversized), READONLY,
     "datagrams of more than 2,048 bytes, which were dropped"},
    {NULL, 0, 0, 0, NULL}};

static PyTypeObject DrainType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "media.node._hot.Drain",
    .tp_doc = "One UDP socket and its routes.",
    .tp_basicsize = sizeof(Drain),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)drain_init,
    .tp_dealloc = (destructor)drain_dealloc,
    .tp_methods = drain_methods,
    .tp_members = drain_members,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "media.node._hot",
                                    .m_doc = "The hot path of a two-party call, compiled.",
                                    .m_size = -1};

PyMODINIT_FUNC PyInit__hot(void) {
  if (srtp_init() != srtp_err_status_ok) {
    PyErr_SetString(PyExc_ImportError, "libsrtp does not start");
    return NULL;
  }
  if (PyType_Ready(&SessionType) < 0 || PyType_Ready(&RouteType) < 0 ||
      PyType_Ready(&DrainType) < 0)
    return NULL;
  PyObject *made = PyModule_Create(&module);
  if (made == NULL) return NULL;
  SrtpError = PyErr_NewException("media.node._hot.Error", PyExc_ValueError, NULL);
  if (SrtpError == NULL || PyModule_AddObjectRef(made, "Error", SrtpError) < 0 ||
      PyModule_AddObjectRef(made, "Session", (PyObject *)&SessionType) < 0 ||
      PyModule_AddObjectRef(made, "Route", (PyObject *)&RouteType) < 0 ||
      PyModule_AddObjectRef(made, "Drain", (PyObject *)&DrainType) < 0) {
    Py_DECREF(made);
    return NULL;
  }
  return made;
}
