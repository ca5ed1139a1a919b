"""Make the embedded benchmark ``plural_surveys_*``: answer shares of groups, aggregated from public microdata."""
