"""What pages share; besides them the only code that imports Streamlit."""
