"""The chat's pages: each view validates, makes one call and answers with a page or a redirect.

None knows how anything is stored or sent. Everything here works without JavaScript; with it, the
browser takes over from the page that `chat` rendered.
"""

from chat.views.chat import home, room, send
from chat.views.messages import deed, message
from chat.views.rooms import browse, create, direct, join, leave

__all__ = ("browse", "create", "deed", "direct", "home", "join", "leave", "message", "room", "send")
