"""The builders of corpora by name."""

from community_lms.training.builders.base import Builder
from community_lms.training.builders.community_alignment import COMMUNITY_ALIGNMENT
from community_lms.training.builders.culturebank import CULTUREBANK
from community_lms.training.builders.files import FILES
from community_lms.training.builders.politics import POLITICS
from community_lms.training.builders.prism import PRISM
from community_lms.training.builders.survey import SURVEY

BUILDERS: dict[str, Builder] = {
    builder.name: builder for builder in (CULTUREBANK, POLITICS, SURVEY, COMMUNITY_ALIGNMENT, PRISM, FILES)
}
