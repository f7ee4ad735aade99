"""Local stand-ins for carriers, which speak their true wire: REST, signed webhooks, media streams, people who talk."""

from getpatter.testing.clouds.plivo import PlivoCloud as PlivoCloud
from getpatter.testing.clouds.telnyx import TelnyxCloud as TelnyxCloud
from getpatter.testing.clouds.twilio import TwilioCloud as TwilioCloud
