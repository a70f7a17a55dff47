"""Home: the question, one live picture, and the way to each page."""

import streamlit as st

from regcls.charts_home import glimpse, training_picture
from regcls.data1d import SAMPLINGS

st.title("Does classification help regression?")
st.markdown(
    "Learn a number from uneven data, and **rare targets suffer**. A known trick: also ask the "
    "network *which range* the number falls in, and learn both. Here you can watch whether it "
    "helps, and where."
)

sampling = st.select_slider(
    "How uneven is the training data?", options=SAMPLINGS, value="severe", key="home_sampling"
)
shown = glimpse(sampling)
st.altair_chart(training_picture(shown), width="stretch")
st.caption(shown.sentence)

lab, age = st.columns(2)
with lab.container(border=True, height="stretch"):
    st.page_link("pages/lab.py", label="**Lab**: watch both learn", icon=":material/experiment:")
    st.markdown("Train many small networks on this function, live, and change anything.")
with age.container(border=True, height="stretch"):
    st.page_link("pages/age.py", label="**Age**: real faces", icon=":material/face:")
    st.markdown("Drop a photo; two models guess the age, with the error to expect there.")

st.info(
    "**Why there is always a control.** Classification comes with a much larger weight on the "
    "regression loss, and that alone can change the result; so each comparison includes *reg with "
    "the loss scale matched*, which tells the two causes apart.",
    icon=":material/balance:",
)
