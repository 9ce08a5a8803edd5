"""Folders of OMOP, MIMIC-III and MIMIC-IV tables by hand, in their published layouts.

Nobody in them exists. Each has rows as hospitals have them: of nobody, without code, with a visit
that ends before it begins, with limits and words for numbers, and notes with mentions.
"""

import gzip

import pyarrow as pa
import pyarrow.parquet as pq

OMOP = {
    "PERSON": "person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth,"
    "birth_datetime,race_concept_id,person_source_value\n"
    "1,8532,1950,2,3,,0,a\n"
    "2,8507,1960,,,,0,b\n"
    "3,0,1970,1,1,1970-01-01 00:00:00,0,c\n",
    "VISIT_OCCURRENCE": "visit_occurrence_id,person_id,visit_concept_id,visit_start_date,"
    "visit_start_datetime,visit_end_date,visit_end_datetime,visit_source_value\n"
    "10,1,9201,2024-01-01,2024-01-01 09:00:00,2024-01-05,2024-01-05 10:00:00,IN\n"
    "11,2,9202,2024-02-01,2024-02-01 09:00:00,2024-02-01,,OUT\n"  # over at the end of its day
    "12,3,9201,2024-03-05,,2024-03-01,,IN\n"  # ends before it begins
    "13,3,0,2024-03-05,,2024-03-06,,ED\n"
    "14,1,9201,2024-01-20,2024-01-20 09:00:00,2024-01-21,2024-01-21 10:00:00,IN\n",
    "CONDITION_OCCURRENCE": "condition_occurrence_id,person_id,condition_concept_id,"
    "condition_start_date,condition_start_datetime,condition_end_date,condition_end_datetime,"
    "visit_occurrence_id,condition_source_value\n"
    "100,1,316866,2024-01-02,,,,10,I10\n"
    "101,1,0,2024-01-02,,,,10,X99\n"  # the source's own code
    "102,1,0,2024-01-02,,,,10,\n"  # no code at all
    "103,,316866,2024-01-02,,,,10,I10\n"  # of nobody
    "104,2,316866,2024-02-09,,,,11,I10\n"  # written down after its visit
    "105,2,316866,2024-02-09,,,,,I10\n",  # of no visit
    "DRUG_EXPOSURE": "drug_exposure_id,person_id,drug_concept_id,drug_exposure_start_date,"
    "drug_exposure_start_datetime,drug_exposure_end_date,drug_exposure_end_datetime,"
    "visit_occurrence_id,drug_source_value\n"
    "200,1,1125315,2024-01-02,2024-01-02 14:30:00,2024-01-03,,10,APAP\n"
    "201,1,1125315.0,2024-01-02,2024-01-02 00:00:00,2024-01-03,,10.0,APAP\n",
    "PROCEDURE_OCCURRENCE": "procedure_occurrence_id,person_id,procedure_concept_id,"
    "procedure_date,procedure_datetime,visit_occurrence_id,procedure_source_value\n"
    "300,1,4336464,2024-01-03,2024-01-03 11:00:00,10,CABG\n",
    "MEASUREMENT": "measurement_id,person_id,measurement_concept_id,measurement_date,"
    "measurement_datetime,operator_concept_id,value_as_number,value_as_concept_id,"
    "unit_concept_id,range_low,range_high,visit_occurrence_id,measurement_source_value,"
    "unit_source_value,value_source_value\n"
    "400,1,3004501,2024-01-02,2024-01-02 08:00:00,4172703,95.0,0,8840,70,110,10,GLU,mg/dL,95\n"
    "401,1,3020891,2024-01-02,2024-01-02 08:00:00,4171756,5,0,8840,,,10,CRP,,<5\n"
    "402,1,3020891,2024-01-02,2024-01-02 08:00:00,4172704,600,0,0,,,10,CRP,mg/L,>600\n"
    "403,1,3020891,2024-01-02,2024-01-02 08:00:00,0,,0,0,,,10,CRP,mg/L,<0.3\n"
    "404,1,3016723,2024-01-02,2024-01-02 08:00:00,0,,9191,0,,,10,HCG,,POS\n"
    "405,1,3016723,2024-01-02,2024-01-02 08:00:00,0,,0,0,,,10,HCG,,Pos\n"
    "406,1,3016723,2024-01-02,2024-01-02 08:00:00,0,,0,0,,,10,HCG,,\n"
    "407,1,0,2024-01-02,2024-01-02 08:00:00,0,1,0,0,,,10,,,\n",  # of what, nobody says
    "OBSERVATION": "observation_id,person_id,observation_concept_id,observation_date,"
    "observation_datetime,value_as_number,value_as_string,value_as_concept_id,unit_concept_id,"
    "visit_occurrence_id,observation_source_value,unit_source_value\n"
    "500,1,4275495,2024-01-02,,,Never smoker,0,0,10,SMOKE,\n"
    "501,1,4041306,2024-01-02,,3,,0,0,10,GCS,\n",
    "DEATH": "person_id,death_date,death_datetime,death_type_concept_id\n"
    "2,2024-06-01,2024-06-01 03:00:00,32817\n2,2024-06-02,,32817\n3,,,32817\n",
    "NOTE": "note_id,person_id,note_date,note_datetime,note_type_concept_id,note_title,note_text,"
    "visit_occurrence_id\n"
    '1000,1,2024-01-05,2024-01-05 09:30:00,32831,Discharge,"No fever.\nAspirin, daily",10\n'
    "1001,2,2024-02-01,,32831,Visit,Fever,11\n",
    "NOTE_NLP": "note_nlp_id,note_id,offset,lexical_variant,note_nlp_concept_id,term_exists\n"
    "1,1000,3.0,FEVER,437663,n\n2,1001,0,fever,437663,true\n3,1009,0,fever,437663,1\n",
}
MIMIC3 = {
    "PATIENTS": "ROW_ID,SUBJECT_ID,GENDER,DOB,DOD\n"
    "1,7,F,2100-03-05 00:00:00,\n2,8,M,1870-01-01 00:00:00,2170-01-03 00:00:00\n",
    "ADMISSIONS": "ROW_ID,SUBJECT_ID,HADM_ID,ADMITTIME,DISCHTIME,DEATHTIME,ADMISSION_TYPE,"
    "ETHNICITY\n"
    "1,7,70,2164-10-23 21:09:00,2164-11-01 17:15:00,,EMERGENCY,WHITE\n"
    "2,8,80,2170-01-01 08:00:00,2170-01-03 08:00:00,2170-01-03 08:00:00,ELECTIVE,\n"
    "3,7,71,2164-11-11 21:09:00,2164-11-12 17:15:00,,EMERGENCY,WHITE\n",
    "DIAGNOSES_ICD": "ROW_ID,SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE\n5,7,70,1,99591\n6,8,80,,\n",
    "PRESCRIPTIONS": "ROW_ID,SUBJECT_ID,HADM_ID,STARTDATE,ENDDATE,DRUG,DOSE_VAL_RX,DOSE_UNIT_RX\n"
    "9,7,70,2164-10-24 00:00:00,2164-10-29 00:00:00,Aspirin  EC,81,mg\n",
    "LABEVENTS": "ROW_ID,SUBJECT_ID,HADM_ID,ITEMID,CHARTTIME,VALUE,VALUENUM,VALUEUOM,FLAG\n"
    "11,7,70,50912,2164-10-24 06:00:00,1.2,1.2,mg/dL,\n"
    "12,7,,50912,2164-10-25 06:00:00,GREATER THAN 20,,mg/dL,abnormal\n"
    "13,7,70,51463,2164-10-25 06:00:00,NEG,,,\n",
    "NOTEEVENTS": "ROW_ID,SUBJECT_ID,HADM_ID,CHARTDATE,CHARTTIME,STORETIME,CATEGORY,DESCRIPTION,"
    "CGID,ISERROR,TEXT\n"
    '20,7,70,2164-11-01,,,Discharge summary,Report,,,"Fever, then none.\n\nAspirin 81 mg."\n'
    "21,7,70,2164-10-24,2164-10-24 08:00:00,2164-10-24 08:30:00,Nursing,Report,15,,Afebrile\n"
    "22,7,70,2164-10-24,2164-10-24 08:00:00,2164-10-24 08:31:00,Nursing,Report,15,1,Wrong\n",
}
MIMIC4 = {
    "hosp/patients": "subject_id,gender,anchor_age,anchor_year,anchor_year_group,dod\n"
    "10,F,52,2180,2014 - 2016,\n11,M,91,2150,2011 - 2013,2151-02-01\n12,F,33,2140,2008 - 2010,\n",
    "hosp/admissions": "subject_id,hadm_id,admittime,dischtime,deathtime,admission_type,"
    "admit_provider_id,insurance,race,hospital_expire_flag\n"
    "10,900,2180-05-06 22:23:00,2180-05-09 17:15:00,,URGENT,P1,Other,WHITE,0\n"
    "10,901,2180-05-20 10:00:00,2180-05-22 12:00:00,,EW EMER.,P1,Other,WHITE,0\n"
    "11,902,2150-12-01 08:00:00,2150-12-05 08:00:00,2150-12-05 08:00:00,ELECTIVE,,,,1\n",
    "hosp/diagnoses_icd": "subject_id,hadm_id,seq_num,icd_code,icd_version\n"
    "10,900,1,5723   ,9\n10,900,2,K7290,10\n10,901,1,I10,11\n11,902,1,,9\n",
    "hosp/procedures_icd": "subject_id,hadm_id,seq_num,chartdate,icd_code,icd_version\n"
    "10,900,1,2180-05-07,5491,9\n10,901,1,2180-05-25,0W9G3ZZ,10\n",
    "hosp/prescriptions": "subject_id,hadm_id,pharmacy_id,poe_id,starttime,stoptime,drug_type,"
    "drug,dose_val_rx,dose_unit_rx,route\n"
    "10,900,1,10-1,2180-05-07 00:00:00,2180-05-08 22:00:00,MAIN,Furosemide,40,mg,PO\n"
    "10,900,2,10-2,2180-05-07 09:00:00,,MAIN,Heparin  Sodium,,,SC\n",
    "hosp/emar": "subject_id,hadm_id,emar_id,emar_seq,poe_id,charttime,medication,event_txt,"
    "scheduletime,storetime\n"
    "10,900,10-1-1,1,10-1,2180-05-07 09:10:00,Furosemide,Administered,,2180-05-07 09:11:00\n"
    "10,900,10-1-2,2,10-1,2180-05-08 09:10:00,Furosemide,Hold Dose,,2180-05-08 09:11:00\n"
    "10,900,10-1-3,3,10-1,2180-05-08 10:10:00,Furosemide,Not Given,,2180-05-08 10:11:00\n"
    "10,900,10-1-4,4,10-1,2180-05-08 11:10:00,Furosemide,Delayed Administered,,\n"
    "10,900,10-1-5,5,10-1,2180-05-08 12:10:00,,Administered,,\n"
    "10,900,10-1-6,6,10-1,2180-05-08 12:10:00,Furosemide,,,\n",
    "hosp/labevents": "labevent_id,subject_id,hadm_id,specimen_id,itemid,order_provider_id,"
    "charttime,storetime,value,valuenum,valueuom,ref_range_lower,ref_range_upper,flag,priority,"
    "comments\n"
    "1,10,900,5,50912,,2180-05-07 06:00:00,2180-05-07 07:30:00,1.2,1.2,mg/dL,0.4,1.1,abnormal,,\n"
    "2,10,900,5,51003,,2180-05-07 06:00:00,2180-05-07 07:30:00,<0.01,,ng/mL,0,0.01,,,\n"
    "3,10,,5,51466,,2180-05-07 06:00:00,,NEG,,,,,,,\n"
    '4,10,,5,51466,,2180-05-07 06:00:00,,___,,,,,,,"told by phone, ___"\n'
    "5,,,5,50912,,2180-05-07 06:00:00,,1,1,mg/dL,,,,,\n",
    "hosp/d_labitems": "itemid,label,fluid,category\n50912,Creatinine,Blood,Chemistry\n",
    "hosp/d_icd_diagnoses": "icd_code,icd_version,long_title\n5723,9,Portal hypertension\n"
    "K7290,10,Hepatic failure without coma\n",
    "icu/icustays": "subject_id,hadm_id,stay_id,first_careunit,last_careunit,intime,outtime,los\n"
    "10,900,3900,MICU,MICU,2180-05-07 00:30:00,2180-05-08 11:00:00,1.4\n",
    "note/discharge": "note_id,subject_id,hadm_id,note_type,note_seq,charttime,storetime,text\n"
    "10-DS-1,10,900,DS,1,2180-05-09 00:00:00,2180-05-11 10:00:00,"
    '"Ascites.\n\nNo fever, ""mild"""\n',
    "note/radiology": "note_id,subject_id,hadm_id,note_type,note_seq,charttime,storetime,text\n"
    "10-RR-1,10,,RR,1,2180-05-07 02:00:00,,No pneumonia.\n",
}


def write_record(folder, tables, form="csv", *, upper=False, without=()):
    """Write a folder of tables: ``csv``, ``csv.gz`` or ``parquet`` with all columns as text."""
    for name, text in tables.items():
        if name in without:
            continue
        path = folder / f"{name.upper() if upper else name}.{form}"
        path.parent.mkdir(parents=True, exist_ok=True)
        head, rest = text.split("\n", 1)
        text = f"{head.upper() if upper else head}\n{rest}"
        if form == "csv.gz":
            path.write_bytes(gzip.compress(text.encode()))
        elif form == "parquet":
            pq.write_table(as_arrow(text), path)
        else:
            path.write_text(text)
    return folder


def as_arrow(text):
    """Return CSV text as an Arrow table, its empty cells null and its numbers numbers."""
    import pyarrow.csv as pc

    options = pc.ParseOptions(newlines_in_values=True)
    return pc.read_csv(pa.BufferReader(text.encode()), parse_options=options)


def n_rows(tables, *names):
    """Return how many rows some tables have together, counted without the readers."""
    import csv
    import io

    return sum(len(list(csv.DictReader(io.StringIO(tables[name])))) for name in names)
