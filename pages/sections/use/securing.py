"""How a model's server is secured, in the order in which it matters."""

from __future__ import annotations

import streamlit as st

_STEPS = """
1. **A token.** Start it with `TL_SERVE_TOKEN` set to a long secret. Requests without it are refused
   with 401; `/health`, `/ready` and `/metrics` stay open, so do not show these to strangers.
2. **Only this machine.** It listens on 127.0.0.1. Give `--host 0.0.0.0` only behind a proxy or in a
   closed network.
3. **Encryption.** Put a proxy with a certificate before it; without one the token can be read on
   the way.
4. **Limits are there.** At most 256 items a request; bodies that are too large are refused with
   413, items that it cannot read with 422; while too many wait, with 503 and when to come again.
5. **Few rights.** The container runs as a user without rights and reads the bundle read-only. On a
   stop it answers what it has accepted, then ends.
"""


def show(port: int) -> None:
    """The steps, and the two files that most people need for them."""
    st.subheader("Secure it")
    st.markdown(_STEPS)
    with st.expander("A secret, a proxy and a container"):
        st.caption("A secret that nobody guesses:")
        st.code('python -c "import secrets; print(secrets.token_urlsafe(32))"', language="bash")
        st.caption("Caddy gets its certificate by itself; this is its whole Caddyfile:")
        st.code(f"models.example.org {{\n    reverse_proxy localhost:{port}\n}}", language=None)
        st.caption("The bundle in `./bundle`, read-only, in the container of this program:")
        st.code(
            "TL_SERVE_TOKEN=... docker compose --profile serve up serve",
            language="bash",
            wrap_lines=True,
        )
