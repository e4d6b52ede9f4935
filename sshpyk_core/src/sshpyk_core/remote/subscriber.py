"""A program's stream to the port on which its kernel publishes: what its client says there."""

from typing import Callable, Optional

from .publication import Sink
from .wire import WINDOW
from .zmtp import Client, ForeignError


class Subscriber:
    """The first on a connection, whose words pass as they are, or one who joins it later."""

    def __init__(
        self,
        on_subscribed: Callable[["Subscriber", bytes], None],
        on_left: Callable[["Subscriber", Optional[int]], None],
        on_refused: Callable[["Subscriber"], None],
        sink: Sink,
        source: Optional[Sink] = None,
    ) -> None:
        """Begin to listen to the client.

        Args:
            on_subscribed: told what the kernel is to hear, when one who joins has subscribed.
            on_left: told that the program has closed it, and how many bytes its client got.
            on_refused: told that the client is none that could join.
            sink: gets what is published.
            source: where messages wait for one who joins.
        """
        self._on_subscribed = on_subscribed
        self._on_left = on_left
        self._on_refused = on_refused
        self.sink = sink
        self.source = source
        self.client = Client()
        self._joins = source is not None
        self._unreported = 0
        self._understood = True

    def write(self, data: bytes) -> None:
        """Take what the client says."""
        if self._joins:
            self._report(len(data))
            self._hear(data)
            return
        publication = self.sink.publication
        publication.hear(data, self.sink)
        if self._understood:
            try:
                self.client.feed(data)
                publication.subscribed = publication.subscribed or self.client.subscribed
                publication.half_said = self.client.unfinished
            except ForeignError:
                self._understood = False
                publication.opaque = True

    def _report(self, size: int) -> None:
        self._unreported += size
        if self._unreported >= WINDOW // 4:
            size, self._unreported = self._unreported, 0
            self.sink.outlet.granted(size)

    def _hear(self, data: bytes) -> None:
        """Pass on what the kernel has not heard before from whom this one goes on for."""
        try:
            frames = self.client.feed(data)
        except ForeignError:
            self._on_refused(self)
            return
        # Others on this connection still want what this client does not want any more.
        said = b"".join(each.data for each in frames if not each.cancels)
        if self.waiting > WINDOW:
            self._on_refused(self)
        elif self.source is None:
            self.sink.publication.hear(said)
        elif self.client.subscribed:
            self._on_subscribed(self, said)

    @property
    def gets_all(self) -> bool:
        """Whether it gets what is published, and nobody else was given what waits for it."""
        publication = self.sink.publication
        return self.sink in publication.sinks and self.sink.eligible and not publication.ended

    # --- as of any other stream --------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Count the bytes that the kernel has not taken."""
        return self.sink.publication.stream.waiting

    @property
    def unheard(self) -> bool:
        """Whether there is something to tell to a kernel that has not let this in yet."""
        return not self.sink.publication.sinks and self.sink.publication.stream.unheard

    def read_on(self) -> None:
        """Read again if a full spool had stopped that."""
        self.sink.publication.read_on()

    def leave(self, delivered: Optional[int]) -> None:
        """Take note that the program has closed the stream; so many bytes were for its client."""
        self._on_left(self, delivered)

    def close_when_written(self) -> None:
        """Do nothing: leaving has ended the connection if it is nobody else's."""

    def close(self) -> None:
        """End the connection now, if it is nobody else's."""
        publication = self.sink.publication
        if self.sink in publication.sinks:
            publication.sinks.remove(self.sink)
        if not publication.sinks:
            publication.stream.close()
